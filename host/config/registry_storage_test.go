package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRegistryStorage(t *testing.T) {
	schemas := testSchemas(t)
	schemas["storage"]["postgres"] = compile(t, `{"type": "object", "additionalProperties": false, "properties": {
		"dsn": {"type": "string", "x-botyard-secret": true},
		"host": {"type": "string", "x-botyard-endpoint": true},
		"password": {"type": "string", "x-botyard-secret": true},
		"pool_size": {"type": "integer"}}}`)
	schemas["storage"]["lite"] = compile(t, `{"type": "object", "additionalProperties": false, "properties": {"file": {"type": "string"}}}`)
	dir := t.TempDir()
	for _, try := range []struct {
		name, file, overlay string
		environ             []string
		want                string // JSON that the plugin gets; empty if the host file has no block
		plugin              string
		problem             string
	}{
		{name: "none", file: `registry { cache_ttl = 1 }`},
		{name: "named", file: "registry {\n storage {\n  backend = \"postgres\"\n  dsn = env(\"DSN\")\n }\n}",
			environ: []string{"DSN=postgres://u:p@h/d"}, plugin: "postgres", want: `{"dsn":"postgres://u:p@h/d"}`},
		{name: "an overlay adds", file: "registry {\n storage {\n  backend = \"postgres\"\n  pool_size = 1\n }\n}", overlay: `{registry: {storage: {pool_size: 2}}}`,
			environ: []string{"BOTYARD__REGISTRY__STORAGE__HOST=db"}, plugin: "postgres", want: `{"host":"db","pool_size":2}`},
		{name: "another backend drops what configured the former", file: "registry {\n storage {\n  backend = \"postgres\"\n  pool_size = 1\n }\n}",
			overlay: `{registry: {storage: {backend: lite, file: f}}}`, plugin: "lite", want: `{"file":"f"}`},
		{name: "another endpoint drops the secret", file: "registry {\n storage {\n  backend = \"postgres\"\n  password = \"hunter22\"\n }\n}",
			overlay: `{registry: {storage: {host: elsewhere}}}`, plugin: "postgres", want: `{"host":"elsewhere"}`},
		{name: "unknown key", file: "registry {\n storage {\n  backend = \"postgres\"\n  pool = 1\n }\n}", problem: "host.hcl:4:3: registry.storage.pool: unknown key"},
		{name: "no backend", file: "registry {\n storage {\n  pool_size = 1\n }\n}", problem: "registry.storage.backend: is required"},
		{name: "unknown backend", file: "registry {\n storage {\n  backend = \"postgers\"\n }\n}", problem: `registry.storage.backend: no storage plugin is named "postgers"`},
		{name: "missing variable", file: "registry {\n storage {\n  backend = \"postgres\"\n  dsn = env(\"DSN\")\n }\n}", problem: "host.hcl:4:3: registry.storage.dsn: missing secret"},
		{name: "a reference where no secret is", file: "registry {\n storage {\n  backend = \"lite\"\n  file = env(\"DSN\")\n }\n}", problem: "registry.storage.file: is a reference"},
	} {
		t.Run(try.name, func(t *testing.T) {
			o := LoadOptions{File: filepath.Join(dir, "host.hcl"), Environ: try.environ}
			write := func(path, text string) string {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			}
			write(o.File, try.file)
			if try.overlay != "" {
				o.Overlay = write(filepath.Join(dir, "overlay.yaml"), try.overlay)
			}
			var b *Block
			h, err := LoadHost(o)
			if err == nil {
				b, err = h.RegistryStorage(t.Context(), schemas)
			}
			if try.problem != "" {
				if err == nil || !strings.Contains(err.Error(), try.problem) {
					t.Errorf("got %v; want %q", err, try.problem)
				}
				return
			}
			if err != nil || (b != nil) != (try.want != "") {
				t.Fatalf("%+v, %v", b, err)
			}
			if b == nil {
				return
			}
			got, err := h.Resolve(&Effective{}, *b)
			if err != nil || string(got) != try.want || b.Plugin != try.plugin {
				t.Errorf("%s %s, %v; want %s %s", b.Plugin, got, err, try.plugin, try.want)
			}
		})
	}
}
