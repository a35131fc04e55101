package e2e

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tree is every file below the yard's folder: its name, mode, size and time.
func (y *yard) tree(but ...string) string {
	y.t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(y.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(y.dir, path)
		for _, skip := range but {
			if name == skip {
				return filepath.SkipDir
			}
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&b, name, info.Mode(), info.Size(), info.ModTime().Format(time.RFC3339Nano))
		}
		return err
	})
	if err != nil {
		y.t.Fatal(err)
	}
	return b.String()
}

const sqliteDefaults = `
defaults {
  llm { provider = "echo" }
  conversation_storage { backend = "sqlite" }
}
`

// run runs the command beside the host and its folder of temporary files.
func (y *yard) command(args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(binaries, "botyard"), args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(y.dir, "tmp"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func newFolder(t *testing.T, config string) *yard {
	t.Helper()
	y := &yard{t: t, dir: shortDir(t), http: &http.Client{}}
	for _, dir := range []string{"tenants", "tmp"} {
		if err := os.Mkdir(filepath.Join(y.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	y.write("botyard.hcl", "plugin_dirs = [\""+filepath.Join(binaries, "plugins")+"\"]\ntenant_dirs = [\"tenants\"]\n"+config)
	y.write("tenants/a.hcl", "")
	return y
}

func TestChecksWriteNothing(t *testing.T) {
	y := newFolder(t, sqliteDefaults)
	file := filepath.Join(y.dir, "botyard.hcl")
	for _, args := range [][]string{{"config", "check"}, {"config", "explain", "a"}} {
		// A folder of temporary files changes its time; nothing is left in it.
		y.leavesAsItIs(func() {
			if out, err := y.command(append(args, "--config", file)...); err != nil {
				t.Errorf("%v: %v: %s", args, err, out)
			}
		}, "tmp")
		if left, _ := os.ReadDir(filepath.Join(y.dir, "tmp")); len(left) > 0 {
			t.Errorf("%v leaves %v", args, left)
		}
	}
}

func (y *yard) leavesAsItIs(do func(), but ...string) {
	y.t.Helper()
	before := y.tree(but...)
	do()
	if after := y.tree(but...); after != before {
		y.t.Errorf("before:\n%safter:\n%s", before, after)
	}
}

func TestDryRunsWriteNothing(t *testing.T) {
	y := start(t, echoDefaults, map[string]string{"a.hcl": ""})
	y.leavesAsItIs(func() {
		for _, storage := range []string{`"backend":"sqlite"`, `"backend":"memory"`, `"backend":"postgres","connection":{"host":"127.0.0.1","port":1,"database":"d","user":"u","password":"p"}`} {
			a := y.do("PUT", "/admin/v1/tenants/b?dry_run=true", `{"conversation_storage":{`+storage+`}}`)
			if a.Status != 200 {
				t.Errorf("%s: %d %s", storage, a.Status, a.Body)
			}
		}
	}, "t")
	good, err := os.ReadFile(filepath.Join(y.dir, "botyard.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	// Another data_dir has no key yet; that makes no tenant another one.
	y.write("botyard.hcl", "data_dir = \"elsewhere\"\n"+string(good))
	y.leavesAsItIs(func() {
		if out, err := y.cli("config", "reload", "--dry-run"); err != nil || !strings.Contains(out, "0 tenants would change") {
			t.Errorf("%v: %s", err, out)
		}
	}, "t")
	y.write("botyard.hcl", strings.Replace(string(good), "defaults {", "defaults {\n  conversation_storage { backend = \"sqlite\" }", 1))
	y.leavesAsItIs(func() {
		if out, err := y.cli("config", "reload", "--dry-run"); err != nil || !strings.Contains(out, "1 tenant would change") {
			t.Errorf("%v: %s", err, out)
		}
	}, "t")
}

// What serve refuses, config check refuses in the same words; and serve makes nothing.
func TestCheckIsServe(t *testing.T) {
	for _, c := range []struct {
		name, config string
		prepare      func(y *yard)
		want         string
	}{
		{"no host", "listen = \":8080\"\n", nil, "refusing to listen on"},
		{"every address", "listen = \"0.0.0.0:8080\"\n", nil, "refusing to listen on"},
		{"no port", "listen = \"127.0.0.1\"\n", nil, "is not an address and a port"},
		{"no such port", "listen = \"127.0.0.1:99999\"\n", nil, "is not an address and a port"},
		{"no certificate", "tls {\n cert_file = \"none.pem\"\n key_file = \"none.key\"\n}\n", nil, "none.pem"},
		{"no pair", "tls {\n cert_file = \"botyard.hcl\"\n key_file = \"botyard.hcl\"\n}\n", nil, "tls.cert_file, tls.key_file"},
		{"no tenant folder", "data_dir = \"data\"\n", func(y *yard) { _ = os.RemoveAll(filepath.Join(y.dir, "tenants")) }, "tenant_dirs: open"},
		{"data_dir is a file", "data_dir = \"botyard.hcl\"\n", nil, "is not a folder"},
		{"last-good is a file", "data_dir = \"tenants\"\n", func(y *yard) { y.write("tenants/last-good", "") }, "last-good is not a folder"},
		{"a key that others may read", "data_dir = \"tmp\"\n", func(y *yard) {
			y.write("tmp/host.key", strings.Repeat("k", 32))
			_ = os.Chmod(filepath.Join(y.dir, "tmp", "host.key"), 0o644)
		}, "set 0600"},
		{"a key that is too short", "data_dir = \"tmp\"\n", func(y *yard) { y.write("tmp/host.key", "short") }, "host.key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			y := newFolder(t, c.config+echoDefaults)
			if c.prepare != nil {
				c.prepare(y)
			}
			file := filepath.Join(y.dir, "botyard.hcl")
			y.leavesAsItIs(func() {
				checked, err := y.command("config", "check", "--config", file)
				if err == nil || !strings.Contains(checked, c.want) {
					t.Errorf("check: %v: %s", err, checked)
				}
				served, err := y.command("serve", "--config", file)
				if err == nil || !strings.Contains(served, c.want) {
					t.Errorf("serve: %v: %s", err, served)
				}
				line := func(out string) string {
					for l := range strings.SplitSeq(out, "\n") {
						if strings.Contains(l, c.want) {
							return strings.TrimPrefix(l, "botyard: ")
						}
					}
					return ""
				}
				if line(checked) != line(served) {
					t.Errorf("check says %q, serve says %q", line(checked), line(served))
				}
			}, "tmp")
		})
	}
}
