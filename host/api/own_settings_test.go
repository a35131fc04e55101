package api

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

const (
	ownPath = "/admin/v1/tenants/a?as=tenant"
	patched = "application/merge-patch+json"
)

// withName is an operator's configuration with a prompt variable.
const withName = `{"prompts":{"system":"You are {{name}}.","variables":{"name":"A"}}}`

func (s *testServer) repliesWith(tenant, want string) {
	s.Helper()
	if r := s.chat(tenant, fmt.Sprint("c", len(want)), "m"); !strings.Contains(r.Reply, want) {
		s.Errorf("the bot is told %q; want %q in it", r.Reply, want)
	}
}

// TestOwnSettings checks that a tenant's own settings are merged over the operator's configuration,
// and that each of the two documents can be read, written and removed separately.
func TestOwnSettings(t *testing.T) {
	s := serve(t, Options{})
	path := "/admin/v1/tenants/a"
	s.refuse(refusal{"", "PUT", ownPath, nil, prompt, 404, fault.NotFound, "", `no tenant "a"`})
	s.call("PUT", path, nil, withName, 201, nil)
	s.call("GET", ownPath, nil, "", 404, nil)
	s.call("DELETE", ownPath, nil, "", 404, nil)
	s.refuse(refusal{"", "GET", path + "?as=root", nil, "", 400, fault.Invalid, "as", "operator or tenant"})

	var own, both Tenant
	resp := s.call("PUT", ownPath, headers{"If-None-Match": "*"}, `{"prompts":{"system":"I am {{name}}."}}`, 201, &own)
	etag := resp.Header.Get("ETag")
	if got, _ := json.Marshal(own.Config); string(got) != `{"prompts":{"system":"I am {{name}}."}}` || own.Own == nil || own.Own.Held || own.Own.Config != nil {
		t.Errorf("%s %+v", got, own.Own)
	}
	s.repliesWith("a", "I am A.")
	s.refuse(refusal{"", "PUT", ownPath, headers{"If-None-Match": "*"}, "{}", 412, fault.Conflict, "If-None-Match", ""})
	if resp := s.get(path, &both); resp.Header.Get("ETag") != etag || both.Revision != own.Revision {
		t.Errorf("ETag %s; want %s", resp.Header.Get("ETag"), etag)
	}
	if got, _ := json.Marshal(both.Config); string(got) != withName {
		t.Errorf("the operator's document is %s", got)
	}
	if got, _ := json.Marshal(both.Own.Config); string(got) != `{"prompts":{"system":"I am {{name}}."}}` {
		t.Errorf("the own document is %s", got)
	}
	var e Effective
	s.get(path+"/config", &e)
	layers := map[string]string{}
	for _, entry := range e.Config {
		layers[entry.Path] = entry.Layer
	}
	if layers["prompts.system"] != "tenant's own settings" || layers["prompts.variables.name"] != "tenant" || e.Own == nil {
		t.Errorf("%v %+v", layers, e.Own)
	}

	// The operator changes a prompt that the own settings override. The revision stays the same,
	// but the ETag changes.
	s.call("PUT", path, nil, `{"prompts":{"system":"Hidden.","variables":{"name":"A"}}}`, 200, &both)
	if both.Revision != own.Revision {
		t.Error("an overridden prompt changed the revision")
	}
	s.refuse(refusal{"", "PUT", ownPath, headers{"If-Match": etag}, "{}", 412, fault.Conflict, "If-Match", ""})
	s.call("PUT", ownPath, headers{"If-Match": `"` + both.Revision + `"`}, `{"prompts":{"system":null}}`, 200, &own)
	if got, _ := json.Marshal(own.Config); string(got) != `{"prompts":{"system":null}}` {
		t.Errorf("an explicit null is kept as %s", got)
	}
	if r := s.chat("a", "null", "m"); strings.Contains(r.Reply, "Hidden") {
		t.Errorf("an explicit null did not remove what is inherited: %q", r.Reply)
	}
	s.call("DELETE", ownPath, nil, "", 204, nil)
	s.repliesWith("a", "Hidden.")
	s.call("GET", ownPath, nil, "", 404, nil)

	// A dry run changes nothing.
	s.call("PUT", ownPath+"&dry_run=true", nil, prompt, 200, &e)
	s.call("GET", ownPath, nil, "", 404, nil)
	s.refuse(refusal{"", "PUT", ownPath, nil, `{"prompts":{"sistem":"x"}}`, 422, fault.Invalid, "", ""})
	// A tenant cannot set a key of the host.
	s.refuse(refusal{"", "PUT", ownPath, nil, `{"listen":"x"}`, 422, fault.Invalid, "", ""})
	s.call("GET", ownPath, nil, "", 404, nil)
}

// TestOwnSettings_held checks that a tenant's own settings never block a change by the operator.
// Own settings that contradict the operator's configuration are held as a whole, and become
// effective again after the contradiction is removed.
func TestOwnSettings_held(t *testing.T) {
	s := serve(t, Options{})
	path := "/admin/v1/tenants/a"
	s.call("PUT", path, nil, withName, 201, nil)
	s.call("PUT", ownPath, nil, `{"prompts":{"system":"I am {{name}}."},"memory":{"max_messages":3}}`, 201, nil)
	var got Tenant
	s.call("PUT", path, nil, `{"prompts":{"system":"No name."}}`, 200, &got)
	if got.Own == nil || !got.Own.Held || len(got.Own.Problems) == 0 || got.Error != "" || got.Own.Config == nil {
		t.Fatalf("%+v", got.Own)
	}
	s.repliesWith("a", "No name.")
	var e Effective
	s.get(path+"/config", &e)
	if e.Own == nil || !e.Own.Held {
		t.Errorf("%+v", e.Own)
	}
	for _, entry := range e.Config {
		if entry.Layer == "tenant's own settings" {
			t.Errorf("a held layer has a part in %s", entry.Path)
		}
	}
	var list Tenants
	if s.get("/admin/v1/tenants", &list); list.Tenants[0].Own == nil || !list.Tenants[0].Own.Held || list.Tenants[0].Own.Config != nil {
		t.Errorf("%+v", list.Tenants[0].Own)
	}
	// Held own settings are still stored. The operator or the tenant can remove the contradiction.
	s.get(ownPath, &got)
	if got.Config["memory"] == nil || !got.Own.Held {
		t.Errorf("%+v", got)
	}
	s.call("PUT", path, nil, withName, 200, &got)
	if got.Own.Held {
		t.Errorf("%+v", got.Own)
	}
	s.repliesWith("a", "I am A.")
	s.call("PUT", path, nil, `{"prompts":{"system":"No name."}}`, 200, nil)
	s.call("PATCH", ownPath, headers{"Content-Type": patched}, `{"prompts":{"system":"I need none."}}`, 200, &got)
	if got.Own.Held {
		t.Errorf("%+v", got.Own)
	}
	s.repliesWith("a", "I need none.")
	// An invalid configuration of the operator is refused although the tenant has own settings.
	s.refuse(refusal{"", "PUT", path, nil, `{"prompts":{"sistem":"x"}}`, 422, fault.Invalid, "", ""})
	s.repliesWith("a", "I need none.")
}

// TestOwnSettings_ofAFile checks that a tenant of a tenant file can have own settings too.
func TestOwnSettings_ofAFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("botyard.hcl", "tenant_dirs = [\"tenants\"]\ndefaults {\n llm {\n  provider = \"echo\"\n }\n}\n")
	write("tenants/a.hcl", "prompts {\n system = \"From {{name}}.\"\n variables = {name = \"a file\"}\n}\n")
	s := serveHost(t, Options{}, host.Options{ConfigFile: file})
	var got Tenant
	s.call("PUT", ownPath, nil, `{"prompts":{"variables":{"name":"me"}}}`, 201, &got)
	if got.Source != "file" {
		t.Errorf("%+v", got)
	}
	s.repliesWith("a", "From me.")
	until := func(want string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			reply := s.chat("a", fmt.Sprint(time.Now().UnixNano()), "m").Reply
			if strings.Contains(reply, want) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("the bot says %q; want %q", reply, want)
			}
		}
	}
	// The tenant file changes while the tenant has own settings.
	write("tenants/a.hcl", "prompts {\n system = \"Now from {{name}}.\"\n variables = {name = \"a file\"}\n}\n")
	until("Now from me.")
	// The tenant file becomes invalid. The host still serves the last good file with the own
	// settings, and accepts new own settings.
	write("tenants/a.hcl", "prompts {\n sistem = \"x\"\n}\n")
	for end := time.Now().Add(time.Minute); got.Error == ""; s.get("/admin/v1/tenants/a", &got) {
		if time.Now().After(end) {
			t.Fatal("the host does not report the invalid file")
		}
	}
	until("Now from me.")
	s.call("PUT", ownPath, nil, `{"prompts":{"variables":{"name":"you"}}}`, 200, &got)
	until("Now from you.")
	if s.get("/admin/v1/tenants/a", &got); got.Error == "" {
		t.Error("the host no longer reports the invalid file")
	}
	// The tenant file is valid again, but without the variable.
	write("tenants/a.hcl", "prompts {\n system = \"Mended.\"\n}\n")
	until("Mended.")
	s.call("DELETE", ownPath, nil, "", 204, nil)
}

// TestOwnSettings_bound checks that own settings larger than the bound are refused, both in a PUT
// and as the result of a PATCH.
//
// beyond: own settings
func TestOwnSettings_bound(t *testing.T) {
	s := serve(t, Options{})
	s.call("PUT", "/admin/v1/tenants/a", nil, "{}", 201, nil)
	const around = len(`{"prompts":{"variables":{"a":""}}}`)
	sized := func(n int) string {
		return `{"prompts":{"variables":{"a":"` + strings.Repeat("<", n-around) + `"}}}`
	}
	s.call("PUT", ownPath, nil, sized(bounds.OwnDocumentBytes), 201, nil)
	s.refuse(refusal{"", "PUT", ownPath, nil, sized(bounds.OwnDocumentBytes + 1), 422, fault.Invalid, "", "own settings"})
	s.refuse(refusal{"", "PATCH", ownPath, headers{"Content-Type": patched}, `{"prompts":{"variables":{"b":"x"}}}`, 422, fault.Invalid, "", "own settings"})
	var got Tenant
	if s.get(ownPath, &got); len(got.Config["prompts"].(map[string]any)["variables"].(map[string]any)) != 1 {
		t.Error("a refused patch changed something")
	}
}

// TestOwnSettings_hideTheOperatorsFiles checks that a refusal of own settings names the files and
// lines of the tenant's own document only, and not those of the operator's documents.
func TestOwnSettings_hideTheOperatorsFiles(t *testing.T) {
	s := serve(t, Options{})
	s.call("PUT", "/admin/v1/tenants/a", nil, withName, 201, nil)
	for name, c := range map[string]struct {
		body string
		file string // of the problem; empty for a problem of an operator's document
		path string
	}{
		"a variable of the operator's prompt is removed": {`{"prompts":{"variables":{"name":null}}}`, "", "prompts.system"},
		"a key of the own document is wrong":             {`{"prompts":{"sistem":"x"}}`, "body", "prompts.sistem"},
		"the own prompt lacks a variable":                {`{"prompts":{"system":"{{other}}"}}`, "body", "prompts.system"},
	} {
		t.Run(name, func(t *testing.T) {
			var p Problem
			s.call("PUT", ownPath, nil, c.body, 422, &p)
			if len(p.Problems) != 1 {
				t.Fatalf("%+v", p)
			}
			got := p.Problems[0]
			if got.File != c.file || (got.Line > 0) != (c.file != "") || got.Path != c.path || strings.Contains(p.Detail, ":1:") {
				t.Errorf("%+v; want file %q and path %s", p, c.file, c.path)
			}
		})
	}
}
