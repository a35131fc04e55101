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
		t.Error("what is hidden changed the revision")
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

// TestPatchTenant checks that a patch changes single keys of both documents.
func TestPatchTenant(t *testing.T) {
	s := serve(t, Options{})
	path := "/admin/v1/tenants/a"
	patch := headers{"Content-Type": patched}
	s.refuse(refusal{"", "PATCH", path, patch, "{}", 404, fault.NotFound, "", `no tenant "a"`})
	s.call("PUT", path, nil, withName, 201, nil)
	resp := s.request("PATCH", path, headers{"Content-Type": "application/json"}, "{}")
	if resp.StatusCode != 415 || resp.Header.Get("Accept-Patch") != patched {
		t.Errorf("%d, Accept-Patch %q", resp.StatusCode, resp.Header.Get("Accept-Patch"))
	}
	s.call("PATCH", path, patch, "[]", 400, nil)
	var got Tenant
	for _, try := range []struct{ method, path, patch, want string }{
		{"PATCH", path, `{"prompts":{"variables":{"name":"B","more":"x"}}}`, `{"prompts":{"system":"You are {{name}}.","variables":{"more":"x","name":"B"}}}`},
		{"PUT", path, `{"prompts":{"variables":{"more":null,"nothing":null}},"memory":{"max_messages":7}}`, `{"memory":{"max_messages":7},"prompts":{"system":"You are {{name}}.","variables":{"name":"B"}}}`},
		{"PATCH", path + "?as=operator", `{"memory":null}`, `{"prompts":{"system":"You are {{name}}.","variables":{"name":"B"}}}`},
		{"PATCH", ownPath, `{"prompts":{"variables":{"name":"C","gone":null}}}`, `{"prompts":{"variables":{"name":"C"}}}`},
		{"PATCH", ownPath, `{"prompts":{"system":"Mine: {{name}}"}}`, `{"prompts":{"system":"Mine: {{name}}","variables":{"name":"C"}}}`},
		{"PUT", ownPath, `{"prompts":{"variables":null}}`, `{"prompts":{"system":"Mine: {{name}}"}}`},
		{"PATCH", ownPath, `{}`, `{"prompts":{"system":"Mine: {{name}}"}}`},
	} {
		got = Tenant{}
		resp := s.request(try.method, try.path, patch, try.patch)
		if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || resp.StatusCode >= 300 {
			t.Fatalf("%s: %d, %v", try.patch, resp.StatusCode, err)
		}
		if config, _ := json.Marshal(got.Config); string(config) != try.want {
			t.Errorf("%s makes %s; want %s", try.patch, config, try.want)
		}
	}
	s.repliesWith("a", "Mine: B")
	// An invalid patch changes nothing, and its problems have their positions in the patch.
	p := s.refuse(refusal{"", "PATCH", ownPath, patch, "{\n\"memory\":{\"max_messages\":\"many\"}}", 422, fault.Invalid, "", ""})
	if at := p.Problems[0]; at.File != "body" || at.Line != 2 || at.Path != "memory.max_messages" {
		t.Errorf("%+v", at)
	}
	s.repliesWith("a", "Mine: B")
}

// TestPatchTenant_keepsSecrets checks that a patch keeps a secret that it does not name, but cannot
// move the secret to another key.
func TestPatchTenant_keepsSecrets(t *testing.T) {
	s := serve(t, Options{})
	path := "/admin/v1/tenants/a"
	patch := headers{"Content-Type": patched}
	var got, before Tenant
	s.call("PUT", path, nil, `{"llm":{"provider":"echo","api_key":"sk-kept"}}`, 201, &before)
	s.call("PATCH", path, patch, `{"prompts":{"system":"x"}}`, 200, &got)
	if got.Config["llm"].(map[string]any)["api_key"] != "<secret>" {
		t.Errorf("%+v", got.Config)
	}
	s.call("PATCH", path, patch, `{"prompts":null,"llm":{"api_key":"<secret>"}}`, 200, &got)
	if got.Revision != before.Revision {
		t.Error("the secret was not kept")
	}
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
	tenant := write("tenants/a.hcl", "prompts {\n system = \"From {{name}}.\"\n variables = {name = \"a file\"}\n}\n")
	s := serveHost(t, Options{}, host.Options{ConfigFile: file})
	var got Tenant
	s.call("PUT", ownPath, nil, `{"prompts":{"variables":{"name":"me"}}}`, 201, &got)
	if got.Source != tenant {
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
			t.Fatal("the mistake is not seen")
		}
	}
	until("Now from me.")
	s.call("PUT", ownPath, nil, `{"prompts":{"variables":{"name":"you"}}}`, 200, &got)
	until("Now from you.")
	if s.get("/admin/v1/tenants/a", &got); got.Error == "" {
		t.Error("the file's mistake is forgotten")
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

// TestGetTenant_secretsOfTheSameRevision checks that a secret is redacted even if the secret does
// not change the effective configuration, because it equals the inherited value or because the
// tenant's own value replaces it.
func TestGetTenant_secretsOfTheSameRevision(t *testing.T) {
	const inherited, hidden, own = "sk-that-is-inherited", "sk-that-is-hidden", "sk-of-the-tenant-itself"
	s := serveHost(t, Options{}, host.Options{Config: map[string]any{
		"data_dir":      t.TempDir(),
		"registry":      map[string]any{"storage": map[string]any{"backend": "memory"}},
		"defaults":      map[string]any{"llm": map[string]any{"provider": "echo", "api_key": inherited}},
		"tenant_policy": map[string]any{"keys": []any{"*", "llm.api_key"}},
	}})
	const path = "/admin/v1/tenants/a"
	var first, got Tenant
	s.call("PUT", path, nil, `{}`, 201, nil)
	s.get(path, &first) // from here on the host has the tenant in memory
	for _, step := range []struct {
		path, body string
		same       bool
	}{
		{path, `{"llm":{"api_key":"` + inherited + `"}}`, true},
		{path + "?as=tenant", `{"llm":{"api_key":"` + own + `"}}`, false},
		{path, `{"llm":{"api_key":"` + hidden + `"}}`, true},
	} {
		status := 200
		if strings.HasSuffix(step.path, "tenant") {
			status = 201
		}
		before := first.Revision
		s.call("PUT", step.path, nil, step.body, status, &first)
		if (first.Revision == before) != step.same {
			t.Errorf("%s: revision %s after %s", step.body, first.Revision, before)
		}
		for _, read := range []string{path, path + "?as=tenant", path + "/config", path + "/versions", path + "/versions/2", path + "/versions/3", "/admin/v1/tenants"} {
			resp := s.request("GET", read, nil, "")
			var b strings.Builder
			_ = resp.Write(&b)
			for _, secret := range []string{inherited, hidden, own} {
				if strings.Contains(b.String(), secret) {
					t.Errorf("after %s: %s shows %s", step.body, read, b.String())
				}
			}
		}
	}
	s.get(path, &got)
	if fmt.Sprint(got.Config) != "map[llm:map[api_key:<secret>]]" {
		t.Errorf("%v", got.Config)
	}
}

// TestGetTenant_configOfTheSameRevision checks that the explained configuration comes from the
// newest documents, even if the previous documents have the same revision.
func TestGetTenant_configOfTheSameRevision(t *testing.T) {
	s := serveHost(t, Options{}, host.Options{Config: map[string]any{
		"data_dir": t.TempDir(),
		"registry": map[string]any{"storage": map[string]any{"backend": "memory"}},
		"defaults": map[string]any{"llm": map[string]any{"provider": "echo"}},
		"plan":     map[string]any{"open": map[string]any{"tenant_policy": map[string]any{"keys": []any{"conversations.owner"}}}},
	}})
	const path = "/admin/v1/tenants/a"
	var before, after Tenant
	s.call("PUT", path, nil, `{}`, 201, nil)
	s.get(path, &before) // from here on the host has the tenant in memory
	s.call("PUT", path, nil, `{"plan":"open"}`, 200, &after)
	if before.Revision != after.Revision {
		t.Error("the plan changed the revision")
	}
	var e Effective
	s.get(path+"/config", &e)
	may := map[string]string{}
	for _, entry := range e.Config {
		may[entry.Path] = entry.TenantMay
	}
	if may["plan"] != "no" || may["conversations.owner"] != "set" {
		t.Errorf("%v", may)
	}
}
