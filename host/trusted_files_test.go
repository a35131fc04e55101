package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/config"
)

// layout creates the files of a host in a temporary folder and returns the folder. A name that
// ends with a slash is a folder, and "name -> target" is a symbolic link. Only the host file has
// a meaningful content.
func layout(t *testing.T, hostFile string, entries map[string]fs.FileMode) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	make := func(name string, mode fs.FileMode, write func(path string) error) {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), write(path)); err != nil {
			t.Fatal(err)
		}
		if mode != 0 {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	make("host.hcl", 0o644, func(path string) error { return os.WriteFile(path, []byte(hostFile), 0o600) })
	for _, folders := range []bool{true, false} {
		for name, mode := range entries {
			isFolder := strings.HasSuffix(name, "/")
			target, link := "", false
			name, target, link = strings.Cut(name, " -> ")
			switch {
			case isFolder != folders:
			case isFolder:
				make(name, mode, func(path string) error { return os.MkdirAll(path, 0o755) })
			case link:
				make(name, 0, func(path string) error { return os.Symlink(target, path) })
			default:
				make(name, mode, func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("k", 32)), 0o600) })
			}
		}
	}
	return dir
}

const laidOut = `
plugin_dirs = ["plugins"]
tenant_dirs = ["tenants"]
data_dir    = "data"
`

// TestCheckPermissions_modes checks that each problem names the key, the file and the shell
// command that corrects the mode.
func TestCheckPermissions_modes(t *testing.T) {
	whole := map[string]fs.FileMode{"plugins/": 0o755, "plugins/botyard-llm-x": 0o755, "tenants/": 0o755, "data/": 0o700, "data/host.key": 0o600}
	for name, c := range map[string]struct {
		change          map[string]fs.FileMode
		refused, warned string // parts of the only refused and the only warned problem; empty for none
	}{
		"all is well":                    {nil, "", ""},
		"everybody may add plugins":      {map[string]fs.FileMode{"plugins/": 0o777}, "plugin_dirs.0: DIR/plugins is writable by everyone (chmod o-w DIR/plugins)", ""},
		"everybody may change a plugin":  {map[string]fs.FileMode{"plugins/botyard-llm-x": 0o777}, "plugin_dirs.0: DIR/plugins/botyard-llm-x is writable by everyone", ""},
		"a plugin is where everybody is": {map[string]fs.FileMode{"plugins/botyard-llm-y -> ../open/y": 0, "open/": 0o777, "open/y": 0o755}, "plugin_dirs.0: DIR/open is writable by everyone", ""},
		"everybody may change the data":  {map[string]fs.FileMode{"data/": 0o777}, "data_dir: DIR/data is writable by everyone", ""},
		"everybody may read the key":     {map[string]fs.FileMode{"data/host.key": 0o644}, "data_dir: key file: read DIR/data/host.key: has mode 0644", ""},
		"a group may read the key":       {map[string]fs.FileMode{"data/host.key": 0o440}, "", ""},
		"a group may write the data":     {map[string]fs.FileMode{"data/": 0o2770 | fs.ModeSetgid, "data/host.key": 0o660, "plugins/": 0o775, "plugins/botyard-llm-x": 0o775}, "", ""},
		"everybody may add tenants":      {map[string]fs.FileMode{"tenants/": 0o777}, "", "tenant_dirs.0: DIR/tenants is writable by everyone (chmod o-w DIR/tenants)"},
		"everybody may change the host":  {map[string]fs.FileMode{"host.hcl": 0o646}, "", "DIR/host.hcl: DIR/host.hcl is writable by everyone"},
	} {
		t.Run(name, func(t *testing.T) {
			entries := map[string]fs.FileMode{}
			for path, mode := range whole {
				entries[path] = mode
			}
			hostMode := c.change["host.hcl"]
			for path, mode := range c.change {
				if path != "host.hcl" {
					entries[path] = mode
				}
			}
			dir := layout(t, laidOut, entries)
			if hostMode != 0 {
				if err := os.Chmod(filepath.Join(dir, "host.hcl"), hostMode); err != nil {
					t.Fatal(err)
				}
			}
			o := Options{ConfigFile: filepath.Join(dir, "host.hcl")}
			cfg, err := readFiles(o, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, warned := checkPermissions(o, o.over(cfg.Settings))
			for sort, got := range map[string]config.Problems{c.refused: Preflight(o, cfg), c.warned: warned} {
				want := strings.ReplaceAll(sort, "DIR", dir)
				if want == "" && len(got) > 0 && (sort != c.refused || sort != c.warned) || want != "" && (len(got) != 1 || !strings.Contains(got.Error(), want)) {
					t.Errorf("%v; want %q", got, want)
				}
			}
			if c.refused == "" {
				if wrong := Preflight(o, cfg); len(wrong) > 0 {
					t.Errorf("refused: %v", wrong)
				}
			} else if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(c.refused, "DIR", dir)) {
				t.Errorf("it starts: %v", err)
			}
		})
	}
}

// TestCheckPermissions_owners checks that a file of another user is refused if the owner could
// gain control of the host with it.
func TestCheckPermissions_owners(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	const other = 12345
	for name, refused := range map[string]string{
		"plugins": "plugin_dirs.0: DIR/plugins belongs to user 12345", "plugins/botyard-llm-x": "plugin_dirs.0: DIR/plugins/botyard-llm-x belongs to user 12345",
		"data/host.key": "data_dir: DIR/data/host.key belongs to user 12345", "data": "", "tenants": "", "host.hcl": "",
	} {
		t.Run(name, func(t *testing.T) {
			dir := layout(t, laidOut, map[string]fs.FileMode{"plugins/botyard-llm-x": 0o755, "tenants/": 0, "data/host.key": 0o600})
			if err := os.Chown(filepath.Join(dir, name), other, other); err != nil {
				t.Fatal(err)
			}
			o := Options{ConfigFile: filepath.Join(dir, "host.hcl")}
			cfg, err := readFiles(o, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(refused, "DIR", dir)
			if got := Preflight(o, cfg); want == "" && len(got) > 0 || !strings.Contains(got.Error(), want) || want != "" && !strings.Contains(got.Error(), "(chown 0 "+dir+"/"+name+")") {
				t.Errorf("%s: %v; want %q", name, got, want)
			}
			// The owner of the host file controls all these files anyway.
			if err := os.Chown(o.ConfigFile, other, other); err != nil {
				t.Fatal(err)
			}
			if got := Preflight(o, cfg); len(got) > 0 {
				t.Errorf("%s, of who owns the host file: %v", name, got)
			}
		})
	}
}
