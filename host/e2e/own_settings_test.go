package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
)

// ownWithin is how long a change of own settings may take to apply on another host. It is much longer than
// the second that TestFleet_changedTenants checks, because the machine may be busy.
const ownWithin = 15 * time.Second

// ownOf returns a tenant with its own settings.
func (host *hostProcess) ownOf(tenant string) (t struct {
	Revision string
	Config   map[string]any
	Own      *struct {
		Held   bool
		Error  string
		Config map[string]any
	}
}) {
	host.t.Helper()
	if a := host.do("GET", "/admin/v1/tenants/"+tenant, ""); a.Status != 200 {
		host.t.Fatalf("%d %s", a.Status, a.Body)
	} else if err := json.Unmarshal(a.Body, &t); err != nil {
		host.t.Fatal(err)
	}
	return t
}

func (host *hostProcess) putOwn(tenant, settings string) {
	host.t.Helper()
	if a := host.do("PUT", "/admin/v1/tenants/"+tenant+"?as=tenant", settings); a.Status/100 != 2 {
		host.t.Fatalf("PUT of own settings of %s: %d %s", tenant, a.Status, a.Body)
	}
}

// TestOwnSettings_outliveHosts checks that own settings of a registered tenant and of a tenant with a file
// survive a clean stop and a kill of the host. The secrets in own settings must be sealed on disk.
func TestOwnSettings_outliveHosts(t *testing.T) {
	t.Parallel()
	const policy = "tenant_policy {\n  keys = [\"*\", \"llm.api_key\"]\n}\n"
	host := start(t, onSQLite+policy, map[string]string{"f.hcl": "prompts {\n  system = \"From the file of {{who}}.\"\n  variables = { who = \"nobody\" }\n}\n"})
	host.put("r", `{"prompts":{"system":"Registered by {{who}}.","variables":{"who":"nobody"}}}`)
	const own = `{"prompts":{"variables":{"who":"myself"}},"llm":{"api_key":"sk-of-the-tenant"}}`
	host.putOwn("r", own)
	host.putOwn("f", own)
	served := func() {
		t.Helper()
		for tenant, text := range map[string]string{"r": "Registered by myself.", "f": "From the file of myself."} {
			if a := host.mustChat(tenant, "c", "hello"); !strings.Contains(a.Reply, text) {
				t.Errorf("%s: %s", tenant, a.Reply)
			}
			got := host.ownOf(tenant)
			if got.Own == nil || got.Own.Held || got.Own.Config["llm"].(map[string]any)["api_key"] != "<secret>" {
				t.Errorf("%s: %+v", tenant, got.Own)
			}
		}
	}
	served()
	if log := host.log.String(); !strings.Contains(log, "as=tenant") {
		t.Errorf("the log does not say whose document was put:\n%s", log)
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		host.stop(sig)
		host.run()
		served()
	}
	if err := filepath.Walk(host.dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return nil // the file was removed meanwhile, or is not a regular file
		}
		if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, []byte("sk-of-the-tenant")) {
			t.Errorf("%s has the secret", path)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(host.log.String(), "sk-of-the-tenant") {
		t.Error("the log has the secret")
	}

	// After a reload with a stricter policy, the host holds the settings that contradict it and names
	// their tenants. After a reload with the old policy, the settings apply again.
	hostFile := filepath.Join(host.dir, "botyard.hcl")
	text, err := os.ReadFile(hostFile)
	if err != nil {
		t.Fatal(err)
	}
	host.write("botyard.hcl", strings.Replace(string(text), policy, "", 1))
	dry, err := host.cli("config", "reload", "--dry-run")
	if err != nil || !strings.Contains(dry, "r: the tenant's own settings would be held:") || !strings.Contains(dry, "f: the tenant's own settings would be held:") || !strings.Contains(dry, "llm.api_key") {
		t.Errorf("%v: %s", err, dry)
	}
	served()
	if out, err := host.cli("config", "reload"); err != nil || !strings.Contains(out, "r: the tenant's own settings are held:") {
		t.Errorf("%v: %s", err, out)
	}
	for tenant, text := range map[string]string{"r": "Registered by nobody.", "f": "From the file of nobody."} {
		if a := host.mustChat(tenant, "c", "hello"); !strings.Contains(a.Reply, text) {
			t.Errorf("%s: %s", tenant, a.Reply)
		}
		if got := host.ownOf(tenant); got.Own == nil || !got.Own.Held || !strings.Contains(got.Own.Error, "llm.api_key") {
			t.Errorf("%s: %+v", tenant, got.Own)
		}
	}
	host.write("botyard.hcl", string(text))
	if out, err := host.cli("config", "reload"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	served()
}

// TestOwnSettings_onAllHosts checks that own settings that are set, held or deleted on one host apply on
// the other host.
func TestOwnSettings_onAllHosts(t *testing.T) {
	t.Parallel()
	f := startFleet(t, pgtest.For(t, pgtest.Options{NoSync: true}), 2)
	a, b := f.hosts[0], f.hosts[1]
	a.put("x", `{"prompts":{"system":"For {{who}}.","variables":{"who":"nobody"}}}`)
	b.eventually(ownWithin, "the tenant is served", b.says("x", "For nobody."))
	a.putOwn("x", `{"prompts":{"variables":{"who":"me"}}}`)
	b.eventually(ownWithin, "own settings count", b.says("x", "For me."))
	b.put("x", `{"prompts":{"system":"Now for {{who}}.","variables":{"who":"nobody"}}}`)
	a.eventually(ownWithin, "the operator's change is under them", a.says("x", "Now for me."))
	b.putOwn("x", `{"prompts":{"system":"I am {{who}}."}}`)
	a.eventually(ownWithin, "they are replaced", a.says("x", "I am nobody."))
	a.put("x", `{"prompts":{"system":"For nobody in particular."}}`)
	b.eventually(ownWithin, "they are held", b.says("x", "For nobody in particular."))
	if got := b.ownOf("x"); got.Own == nil || !got.Own.Held {
		t.Errorf("%+v", got.Own)
	}
	if d := b.do("DELETE", "/admin/v1/tenants/x?as=tenant", ""); d.Status != 204 {
		t.Fatalf("%d %s", d.Status, d.Body)
	}
	a.eventually(ownWithin, "they are gone", func() bool { return a.ownOf("x").Own == nil })
	if strings.Contains(string(a.do("GET", "/admin/v1/tenants", "").Body), "@layers") {
		t.Error("what is no tenant is listed as one")
	}
}
