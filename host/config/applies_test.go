package config

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// schemaKeys returns the keys of the host file that its schema lists. A map whose keys the host
// does not know counts as one key.
func schemaKeys(t *testing.T) []string {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal(HostFileSchema(), &root); err != nil {
		t.Fatal(err)
	}
	resolve := func(node map[string]any) map[string]any {
		for {
			ref, ok := node["$ref"].(string)
			if !ok {
				return node
			}
			at := any(root)
			for segment := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
				at = at.(map[string]any)[segment]
			}
			node = at.(map[string]any)
		}
	}
	var keys []string
	var walk func(path Path, node map[string]any)
	walk = func(path Path, node map[string]any) {
		node = resolve(node)
		below, _ := node["properties"].(map[string]any)
		if each, ok := node["additionalProperties"].(map[string]any); ok {
			walk(path.with("NAME"), each)
			return
		}
		if path.String() == registryStorage.String() || path.String() == PlanKey || len(below) == 0 {
			keys = append(keys, path.String())
			return
		}
		for _, name := range slices.Sorted(maps.Keys(below)) {
			walk(path.with(name), below[name].(map[string]any))
		}
	}
	walk(nil, root)
	return keys
}

func TestHostKeys(t *testing.T) {
	inSchema := map[string]bool{}
	for _, key := range schemaKeys(t) {
		if rest, ok := strings.CutPrefix(key, "plugin."); ok {
			_, rest, _ = strings.Cut(rest, ".NAME.")
			key = PluginKey + rest
		}
		inSchema[key] = true
	}
	for _, k := range HostKeys() {
		if !inSchema[k.Key] {
			t.Errorf("%s is in Settings and not in the schema", k.Key)
		}
		delete(inSchema, k.Key)
		if hasField := k.field != nil; k.Applies != AtRestart && hasField {
			t.Errorf("%s counts at %s, and is compared as if it waited for a restart", k.Key, k.Applies)
		} else if k.Applies == AtRestart && !hasField && k.Key != registryStorage.String() && !strings.HasPrefix(k.Key, PluginKey) {
			t.Errorf("%s waits for a restart, and nothing compares it", k.Key)
		}
	}
	for key := range inSchema {
		t.Errorf("%s is in the schema, and no field of Settings says when a change of it applies", key)
	}
	for key, want := range map[string]Applies{
		"listen": AtRestart, "plugin.llm.echo.env": AtProcessStart, "plugin.storage.a.max_calls": AtReload,
		"registry.storage.backend": AtRestart, "defaults.llm.provider": AtReload, "plan.gold.llm.model": AtReload, "plan": "", "plugin.llm.echo": "", "listens": "", "registry.storages": "",
	} {
		t.Run(key, func(t *testing.T) {
			if got, _ := AppliesOf(key); got != want {
				t.Errorf("%s counts at %q, want %q", key, got, want)
			}
		})
	}
}

// otherValues maps each key that applies at a restart to HCL text that sets it to a value other
// than its default.
var otherValues = map[string]string{
	"listen":                    `listen = "127.0.0.1:9"`,
	"data_dir":                  `data_dir = "other"`,
	"host_key":                  `host_key = env("OTHER")`,
	"plugin_dirs":               `plugin_dirs = ["other"]`,
	"tenant_dirs":               `tenant_dirs = ["other"]`,
	"auth.mode":                 "auth {\n mode = \"token\"\n gateway_token = \"0123456789abcdef\"\n admin_token = \"fedcba9876543210\"\n}",
	"tls.cert_file":             "tls {\n cert_file = \"other\"\n key_file = \"k\"\n}",
	"tls.key_file":              "tls {\n cert_file = \"c\"\n key_file = \"other\"\n}",
	"metrics.enabled":           "metrics {\n enabled = false\n}",
	"metrics.listen":            "metrics {\n listen = \"127.0.0.1:9\"\n}",
	"metrics.tenant_label":      "metrics {\n tenant_label = true\n}",
	"metrics.max_tenant_labels": "metrics {\n max_tenant_labels = 7\n}",
	"registry.cache_ttl":        "registry {\n cache_ttl = 7\n}",
	"registry.max_cache_size":   "registry {\n max_cache_size = 7\n}",
	"registry.storage":          "registry {\n storage {\n  backend = \"other\"\n }\n}",
}

func hostOf(t *testing.T, text string) *Host {
	t.Helper()
	doc, err := ParseHCL("botyard.hcl", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	h, err := LoadHost(LoadOptions{File: "yard/botyard.hcl", Document: doc})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return h
}

func asIs(s Settings) Settings { return s }

func TestPendingRestart_untilTheRestart(t *testing.T) {
	const base = "tls {\n cert_file = \"c\"\n key_file = \"k\"\n}\n"
	for _, k := range HostKeys() {
		if k.Applies != AtRestart || strings.HasPrefix(k.Key, PluginKey) {
			continue
		}
		text, ok := otherValues[k.Key]
		if !ok {
			t.Errorf("%s has no other value in this test", k.Key)
			continue
		}
		before, other := base, text
		if !strings.HasPrefix(k.Key, "tls") {
			other = base + text
		}
		running, files := hostOf(t, before), hostOf(t, other)
		if got := PendingRestart(running, files, asIs); !slices.Equal(got, []string{k.Key}) {
			t.Errorf("%s: %q is named", k.Key, got)
		}
		if got := PendingRestart(running, hostOf(t, before), asIs); len(got) > 0 {
			t.Errorf("%s changed back: %q is named", k.Key, got)
		}
		if k.field == nil {
			continue
		}
		applied := files.Settings.AsApplied(running.Settings)
		if !reflect.DeepEqual(applied, running.Settings) {
			t.Errorf("%s was applied to what runs: %+v", k.Key, applied)
		}
	}
}

func TestPendingRestart_asItWouldRun(t *testing.T) {
	for _, c := range []struct {
		name, running, files string
		over                 func(Settings) Settings
		want                 []string
	}{
		{"the default written out", ``, `listen = "127.0.0.1:8080"`, asIs, nil},
		{"the same folder written otherwise", `data_dir = "data"`, `data_dir = "./data"`, asIs, nil},
		{"an empty list", ``, `plugin_dirs = []`, asIs, nil},
		{"removed by a null", `listen = "127.0.0.1:8080"`, `listen = null`, asIs, nil},
		{"a whole number written otherwise", "registry {\n cache_ttl = 300\n}", "registry {\n cache_ttl = 300.0\n}", asIs, nil},
		{"below a flag", ``, "listen = \"127.0.0.1:9\"\ntenant_dirs = [\"t\"]", func(s Settings) Settings { s.Listen = "127.0.0.1:7"; return s }, []string{"tenant_dirs"}},
		{"what counts at once", ``, "shutdown_grace = 3\nlimits {\n message_bytes = 7\n}\nplugin \"llm\" \"echo\" {\n max_calls = 3\n}", asIs, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := PendingRestart(hostOf(t, c.running), hostOf(t, c.files), c.over); !slices.Equal(got, c.want) {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		})
	}
}
