package host

import (
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFindKey_ofHostKey checks that host_key may refer to the key in HCL and in YAML, that the
// key's file is checked like the file in data_dir, and that a key that did not seal the data in
// data_dir is refused.
func TestFindKey_ofHostKey(t *testing.T) {
	random := strings.Repeat("\xfb\x01", 16)
	text := base64.StdEncoding.EncodeToString([]byte(random))
	const rest = "plugin_dirs = []\n"
	for name, c := range map[string]struct {
		key      string
		file     string // content of the key's file
		mode     fs.FileMode
		environ  []string
		want     string // part of the only problem; empty if there is none
		volume   bool   // whether the file is a link, as in a Secret that Kubernetes mounts
		yamlForm string
	}{
		"a file":               {key: `file("key")`, file: random, mode: 0o440},
		"a text in a file":     {key: `file("key")`, file: text + "\n", mode: 0o600},
		"a variable":           {key: `env("HOST_KEY")`, environ: []string{"HOST_KEY=" + text}},
		"in YAML":              {yamlForm: "${env:HOST_KEY}", environ: []string{"HOST_KEY=" + text}},
		"a Secret's file":      {key: `file("volume/key")`, file: random, mode: 0o444, volume: true},
		"everybody's to read":  {key: `file("key")`, file: random, mode: 0o644, want: "host_key: DIR/key has mode 0644: others than its owner and group may read it (chmod o= DIR/key)"},
		"everybody's to write": {key: `file("key")`, file: random, mode: 0o602, want: "host_key: DIR/key is writable by everyone"},
		"not there":            {key: `file("key")`, want: "host_key: missing secret: the file key cannot be read"},
		"not set":              {key: `env("HOST_KEY")`, want: "host_key: missing secret: the environment variable HOST_KEY is not set"},
		"no key":               {key: `env("HOST_KEY")`, environ: []string{"HOST_KEY=hunter2-hunter2"}, want: "host_key: refers to no key"},
		"itself":               {key: `"` + text + `"`, want: "host_key: is not a reference"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := layout(t, "", map[string]fs.FileMode{"data/": 0o700})
			file := filepath.Join(dir, "key")
			if c.volume {
				file = filepath.Join(dir, "volume", "..1", "key")
				for _, err := range []error{os.MkdirAll(filepath.Dir(file), 0o755), os.Symlink("..1", filepath.Join(dir, "volume", "..data")), os.Symlink("..data/key", filepath.Join(dir, "volume", "key"))} {
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			if c.file != "" {
				if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(file, c.mode); err != nil {
					t.Fatal(err)
				}
			}
			o := Options{ConfigFile: filepath.Join(dir, "host.hcl"), Environ: c.environ}
			content := rest + "host_key = " + c.key + "\n"
			if c.yamlForm != "" {
				o.ConfigFile = filepath.Join(dir, "host.yaml")
				content = "plugin_dirs: []\nhost_key: " + c.yamlForm + "\n"
			}
			if err := os.WriteFile(o.ConfigFile, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, key, err := load(o)
			want := strings.ReplaceAll(c.want, "DIR", dir)
			if want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2")) || want == "" && err != nil {
				t.Fatalf("%v; want %q", err, want)
			}
			if want != "" {
				return
			}
			if _, err := os.Stat(filepath.Join(dir, "data", "host.key")); err == nil {
				t.Error("another key was made")
			}
			sealed := key.Seal([]byte("secret"), nil)
			// The same key in another encoding is accepted. Another key is refused.
			o.Environ = []string{"HOST_KEY=" + text}
			write := func(text string) {
				t.Helper()
				if err := os.WriteFile(o.ConfigFile, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			o.ConfigFile = filepath.Join(dir, "host.hcl")
			write(rest + `host_key = env("HOST_KEY")`)
			_, again, err := load(o)
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := again.Open(sealed, nil); err != nil || string(plain) != "secret" {
				t.Errorf("%q, %v", plain, err)
			}
			o.Environ = []string{"HOST_KEY=" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 32)))}
			if _, _, err := load(o); err == nil || !strings.Contains(err.Error(), "host_key: the host's key is another than that which what is in "+dir) {
				t.Errorf("another key: %v", err)
			}
			write(rest)
			if _, _, err := load(o); err == nil || !strings.Contains(err.Error(), "data_dir: there is no key, neither by host_key nor as ") {
				t.Errorf("without one: %v", err)
			}
			if err := os.WriteFile(filepath.Join(dir, "data", "host.key"), []byte(strings.Repeat("k", 32)), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, err := load(o); err == nil || !strings.Contains(err.Error(), "data_dir: the host's key is another") {
				t.Errorf("a key that was made: %v", err)
			}
		})
	}
}

// TestFindKey_withoutADigest checks that without a digest file, as in the data_dir of an older
// version, the host compares its key with the key in data_dir.
func TestFindKey_withoutADigest(t *testing.T) {
	dir := layout(t, "plugin_dirs = []\nhost_key = env(\"HOST_KEY\")\n", map[string]fs.FileMode{"data/host.key": 0o600})
	o := Options{ConfigFile: filepath.Join(dir, "host.hcl"), Environ: []string{"HOST_KEY=" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 31)+"l"))}}
	if _, _, err := load(o); err == nil || !strings.Contains(err.Error(), "host_key: the host's key is another") {
		t.Errorf("%v", err)
	}
	o.Environ = []string{"HOST_KEY=" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))}
	if _, _, err := load(o); err != nil {
		t.Error(err)
	}
}

// TestFindKey_isNotForTenants checks that allow_env may not contain the variable that has the
// host's key.
func TestFindKey_isNotForTenants(t *testing.T) {
	dir := layout(t, "allow_env = [\"HOST_KEY\"]\nhost_key = env(\"HOST_KEY\")\n", nil)
	if _, _, err := load(Options{ConfigFile: filepath.Join(dir, "host.hcl")}); err == nil || !strings.Contains(err.Error(), "allow_env lets tenants refer to") {
		t.Errorf("%v", err)
	}
}
