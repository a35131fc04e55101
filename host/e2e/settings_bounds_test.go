package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/pgtest"
)

// settingsAtBounds returns settings that are as large as possible, each in a different respect.
func settingsAtBounds() map[string]string {
	const prompt = `{"prompts":{"system":"%s"}}`
	fill := func(sign string) string {
		return fmt.Sprintf(prompt, strings.Repeat(sign, (bounds.DocumentBytes-len(prompt)+2)/len(sign)))
	}
	var variables []string
	for i := range bounds.DocumentValues - 3 { // three values are the document, prompts and variables
		variables = append(variables, fmt.Sprintf(`"v%d":"<"`, i))
	}
	return map[string]string{
		"plain": fill("x"), "html": fill("<"), "lines": fill("\u2028"), "controls": fill(`\u0001`), "quotes": fill(`\"`), "wide": fill("\U0001F600"),
		"values":  `{"prompts":{"variables":{` + strings.Join(variables, ",") + `}}}`,
		"key":     `{"prompts":{"variables":{"` + strings.Repeat("k", bounds.KeyBytes) + `":"x"}}}`,
		"secret":  `{"llm":{"api_key":"` + strings.Repeat("<", bounds.SecretBytes) + `"}}`,
		"escaped": `{"llm":{"api_key":"` + strings.Repeat(`\u0001`, bounds.SecretBytes) + `"}}`,
	}
}

// TestSettingsBounds checks that settings at their bounds are served and can be read, rolled back to,
// exported and imported. It checks this after a restart of the host and on another host.
func TestSettingsBounds(t *testing.T) {
	t.Parallel()
	const config = `
defaults {
  llm { provider = "echo" }
  conversation_storage { backend = "%[1]s" }
}
registry {
  storage { backend = "%[1]s" }
}
`
	for _, backend := range []string{"memory", "sqlite"} {
		t.Run(backend, func(t *testing.T) {
			host := start(t, fmt.Sprintf(config, backend), nil)
			if backend == "memory" { // a registry in memory does not survive a restart
				settingsComeBack(t, host, host)
				return
			}
			settingsComeBack(t, host, nil)
		})
	}
	t.Run("postgres", func(t *testing.T) {
		f := startFleet(t, pgtest.For(t, pgtest.Options{NoSync: true}), 2)
		settingsComeBack(t, f.hosts[0], f.hosts[1])
	})
}

// settingsComeBack registers settings on host and reads them on other. If other is nil, it restarts host
// and reads the settings there.
func settingsComeBack(t *testing.T, host, other *hostProcess) {
	t.Helper()
	config := func(host *hostProcess, path string) any {
		t.Helper()
		a := host.do("GET", path, "")
		var got struct{ Config any }
		if err := json.Unmarshal(a.Body, &got); err != nil || a.Status != 200 {
			t.Errorf("%s: %d %.300s", path, a.Status, a.Body)
		}
		return got.Config
	}
	wanted := map[string]any{}
	for name, settings := range settingsAtBounds() {
		path := "/admin/v1/tenants/" + name
		var want any
		if err := json.Unmarshal([]byte(settings), &want); err != nil || len(settings) > bounds.DocumentBytes {
			t.Fatalf("%s: %v, %d bytes", name, err, len(settings))
		}
		if llm, ok := want.(map[string]any)["llm"].(map[string]any); ok {
			llm["api_key"] = "<secret>"
		}
		wanted[name] = want
		a := host.do("PUT", path, settings)
		if a.Status != 201 {
			t.Errorf("%s: %d %.300s", name, a.Status, a.Body)
			continue
		}
		// The ETag of the PUT is valid for If-Match. A PUT of the same settings keeps the ETag.
		if b := host.do("PUT", path, settings, "If-Match: "+a.Header.Get("ETag")); b.Status != 200 || b.Header.Get("ETag") != a.Header.Get("ETag") {
			t.Errorf("%s: it is not the same: %d %.300s", name, b.Status, b.Body)
		}
		if b := host.do("PUT", path, `{}`); b.Status != 200 {
			t.Errorf("%s: %d %.300s", name, b.Status, b.Body)
		}
		if b := host.do("POST", path+"/rollback", `{"version":1}`); b.Status != 200 || b.Header.Get("ETag") != a.Header.Get("ETag") {
			t.Errorf("%s: it is not rolled back to: %d %.300s", name, b.Status, b.Body)
		}
		if b := host.do("DELETE", path, ""); b.Status != 204 {
			t.Errorf("%s: %d %.300s", name, b.Status, b.Body)
		}
		if b := host.do("POST", path+"/restore", ""); b.Status != 200 || b.Header.Get("ETag") != a.Header.Get("ETag") {
			t.Errorf("%s: it is not restored: %d %.300s", name, b.Status, b.Body)
		}
	}
	if other == nil {
		other = host
		host.stop(15)
		host.run()
	}
	for name, want := range wanted {
		path := "/admin/v1/tenants/" + name
		for _, at := range []string{path, path + "/versions/1"} {
			if got := config(other, at); !reflect.DeepEqual(got, want) {
				t.Errorf("%s came back otherwise", at)
			}
		}
		if a := other.do("GET", path+"/config", ""); a.Status != 200 {
			t.Errorf("%s: %d %.300s", path, a.Status, a.Body)
		}
		if a := other.do("GET", path+"/versions", ""); a.Status != 200 || strings.Contains(string(a.Body), `"error"`) {
			t.Errorf("%s: its history: %d %.300s", path, a.Status, a.Body)
		}
		other.mustChat(name, "c", "m")
		file := filepath.Join(t.TempDir(), "export")
		cli := func(args ...string) {
			t.Helper()
			cmd := exec.Command(filepath.Join(binaries, "botyard"), append(args, "--url", other.url)...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%q: %v\n%.300s", args, err, out)
			}
		}
		if cli("tenant", "export", name, "-o", file); strings.Contains(fmt.Sprint(want), "<secret>") {
			continue // an export leaves secrets out
		}
		cli("tenant", "import", name+".copy", file, "--register")
		if got := config(other, "/admin/v1/tenants/"+name+".copy"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is imported otherwise", name)
		}
	}
}
