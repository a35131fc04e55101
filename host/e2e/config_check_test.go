package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tree lists all files below the host's folder, with name, mode, size and time. It leaves out the folders
// in but.
func (host *hostProcess) tree(but ...string) string {
	host.t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(host.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(host.dir, path)
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
		host.t.Fatal(err)
	}
	return b.String()
}

const sqliteDefaults = `
defaults {
  llm { provider = "echo" }
  conversation_storage { backend = "sqlite" }
}
`

func newFolder(t *testing.T, config string) *hostProcess {
	t.Helper()
	host := &hostProcess{t: t, dir: shortDir(t), http: &http.Client{}}
	for _, dir := range []string{"tenants", "tmp"} {
		if err := os.Mkdir(filepath.Join(host.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	host.write("botyard.hcl", "plugin_dirs = [\""+filepath.Join(binaries, "plugins")+"\"]\ntenant_dirs = [\"tenants\"]\n"+config)
	host.write("tenants/a.hcl", "")
	return host
}

func TestConfigCheck_writesNothing(t *testing.T) {
	host := newFolder(t, sqliteDefaults)
	file := filepath.Join(host.dir, "botyard.hcl")
	for _, args := range [][]string{{"config", "check"}, {"config", "explain", "a"}} {
		// The modification time of the folder tmp may change, but no file may remain in it.
		host.leavesAsItIs(func() {
			if out, err := host.command(append(args, "--config", file)...); err != nil {
				t.Errorf("%v: %v: %s", args, err, out)
			}
		}, "tmp")
		if left, _ := os.ReadDir(filepath.Join(host.dir, "tmp")); len(left) > 0 {
			t.Errorf("%v leaves %v", args, left)
		}
	}
}

// TestConfigCheck_mistakesOfAPlugin checks that what a plugin finds wrong in its block is shown all
// at once, with its position, before any chat: offline, in a dry run and at a registration. The
// plugins of storages are asked too, although a dry run does not open them.
func TestConfigCheck_mistakesOfAPlugin(t *testing.T) {
	const llm, storage = `{"provider":"echo","tokens":5,"reply":"x","fail":{"class":"nope"}}`, `{"backend":"postgres","dsn":"postgres://u:s3cret@h/d?sslmode=maybe"}`
	offline := newFolder(t, sqliteDefaults)
	offline.write("tenants/a.hcl", "llm {\n  tokens = 5\n  reply = \"x\"\n  fail {\n    class = \"nope\"\n  }\n}\n"+
		"conversation_storage {\n  backend = \"postgres\"\n  dsn = \"postgres://u:s3cret@h/d?sslmode=maybe\"\n}\n")
	out, err := offline.command("config", "check", "--config", filepath.Join(offline.dir, "botyard.hcl"))
	if err == nil || strings.Contains(out, "s3cret") {
		t.Errorf("%v: %s", err, out)
	}
	for _, want := range []string{"a.hcl:2:3: llm.tokens: reply fixes", "a.hcl:5:5: llm.fail.class: ", "a.hcl:10:3: conversation_storage.dsn: "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	host := start(t, echoDefaults, map[string]string{"a.hcl": ""})
	for _, query := range []string{"?dry_run=true", ""} {
		a := host.do("PUT", "/admin/v1/tenants/b"+query, `{"llm":`+llm+`,"conversation_storage":`+storage+`}`)
		if a.Status != 422 || strings.Contains(string(a.Body), "s3cret") {
			t.Errorf("%q: %d %s", query, a.Status, a.Body)
		}
		for _, want := range []string{`"llm.tokens"`, `"llm.fail.class"`, `"conversation_storage.dsn"`} {
			if !strings.Contains(string(a.Body), want) {
				t.Errorf("%q: no %s in %s", query, want, a.Body)
			}
		}
	}
}

func (host *hostProcess) leavesAsItIs(do func(), but ...string) {
	host.t.Helper()
	before := host.tree(but...)
	do()
	if after := host.tree(but...); after != before {
		host.t.Errorf("before:\n%safter:\n%s", before, after)
	}
}

func TestDryRun_writesNothing(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": ""})
	host.leavesAsItIs(func() {
		for _, storage := range []string{`"backend":"sqlite"`, `"backend":"memory"`, `"backend":"postgres","connection":{"host":"127.0.0.1","port":1,"database":"d","user":"u","password":"p"}`} {
			a := host.do("PUT", "/admin/v1/tenants/b?dry_run=true", `{"conversation_storage":{`+storage+`}}`)
			if a.Status != 200 {
				t.Errorf("%s: %d %s", storage, a.Status, a.Body)
			}
		}
	}, "t")
	good, err := os.ReadFile(filepath.Join(host.dir, "botyard.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	// The other data_dir has no host.key yet. A dry run must not report tenants as changed for that
	// reason.
	host.write("botyard.hcl", "data_dir = \"elsewhere\"\n"+string(good))
	host.leavesAsItIs(func() {
		if out, err := host.cli("config", "reload", "--dry-run"); err != nil || !strings.Contains(out, "0 tenants would change") {
			t.Errorf("%v: %s", err, out)
		}
	}, "t")
	host.write("botyard.hcl", strings.Replace(string(good), "defaults {", "defaults {\n  conversation_storage { backend = \"sqlite\" }", 1))
	host.leavesAsItIs(func() {
		if out, err := host.cli("config", "reload", "--dry-run"); err != nil || !strings.Contains(out, "1 tenant would change") {
			t.Errorf("%v: %s", err, out)
		}
	}, "t")
}

// TestConfigCheck_agreesWithServe checks that "config check" and serve refuse the same configurations with
// the same message, and that neither of them creates files.
func TestConfigCheck_agreesWithServe(t *testing.T) {
	for _, c := range []struct {
		name, config string
		prepare      func(host *hostProcess)
		want         string // part of the line that both commands print; FILE stands for the host file
	}{
		{"no host", "listen = \":8080\"\n", nil, "FILE:3:1: listen: refusing to listen on"},
		{"every address", "listen = \"0.0.0.0:8080\"\n", nil, "FILE:3:1: listen: refusing to listen on"},
		{"no port", "listen = \"127.0.0.1\"\n", nil, "FILE:3:1: listen: \"127.0.0.1\" is not an address and a port"},
		{"no such port", "listen = \"127.0.0.1:99999\"\n", nil, "is not an address and a port"},
		{"no certificate", "tls {\n cert_file = \"none.pem\"\n key_file = \"none.key\"\n}\n", nil, "FILE:4:2: tls.cert_file: stat"},
		{"no key of a certificate", "tls {\n cert_file = \"none.pem\"\n key_file = \"none.key\"\n}\n", nil, "FILE:5:2: tls.key_file: stat"},
		{"a certificate that is a folder", "tls {\n cert_file = \"tmp\"\n key_file = \"tmp\"\n}\n", nil, "FILE:4:2: tls.cert_file: read"},
		{"no pair", "tls {\n cert_file = \"botyard.hcl\"\n key_file = \"botyard.hcl\"\n}\n", nil, "FILE:3:1: tls: "},
		{"no tenant folder", "data_dir = \"data\"\n", func(host *hostProcess) { _ = os.RemoveAll(filepath.Join(host.dir, "tenants")) }, "FILE:2:16: tenant_dirs.0: open"},
		{"data_dir is a file", "data_dir = \"botyard.hcl\"\n", nil, "FILE:3:1: data_dir: FILE is not a folder"},
		{"last-good is a file", "data_dir = \"tenants\"\n", func(host *hostProcess) { host.write("tenants/last-good", "") }, "last-good is not a folder"},
		{"plugins is a file", "data_dir = \"tenants\"\n", func(host *hostProcess) { host.write("tenants/plugins", "") }, "plugins is not a folder"},
		{"a key that others may read", "data_dir = \"tmp\"\n", func(host *hostProcess) {
			host.write("tmp/host.key", strings.Repeat("k", 32))
			_ = os.Chmod(filepath.Join(host.dir, "tmp", "host.key"), 0o644)
		}, "set 0600"},
		{"a key that is too short", "data_dir = \"tmp\"\n", func(host *hostProcess) { host.write("tmp/host.key", "short") }, "FILE:3:1: data_dir: key file"},
		{"a registry's secret that is not there", "secrets_dir = \"tmp\"\ndata_dir = \"tmp\"\nregistry {\n storage {\n  backend = \"postgres\"\n  dsn = file(\"none\")\n }\n}\n", nil, "FILE:8:3: registry.storage.dsn: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			host := newFolder(t, c.config+echoDefaults)
			if c.prepare != nil {
				c.prepare(host)
			}
			file := filepath.Join(host.dir, "botyard.hcl")
			c.want = strings.ReplaceAll(c.want, "FILE", file)
			host.leavesAsItIs(func() {
				checked, err := host.command("config", "check", "--config", file)
				if status(err) != 3 || !strings.Contains(checked, c.want) {
					t.Errorf("check: %v: %s", err, checked)
				}
				served, err := host.command("serve", "--config", file)
				if status(err) != 3 || !strings.Contains(served, c.want) {
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

// TestConfigCheck_paths checks that a dry run and "config check" refuse invalid paths of a SQLite storage
// and create no files.
func TestConfigCheck_paths(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": ""})
	for path, want := range map[string]string{
		"../x.db":      "expected a relative path with no part .., below the plugin's folder",
		"a/../../x.db": "expected a relative path with no part .., below the plugin's folder",
		"/abs.db":      "expected a relative path with no part .., below the plugin's folder",
		"x.sqlite":     "expected the name of a file that ends in .db",
	} {
		host.leavesAsItIs(func() {
			a := host.do("PUT", "/admin/v1/tenants/b?dry_run=true", fmt.Sprintf(`{"conversation_storage":{"backend":"sqlite","path":%q}}`, path))
			if a.Status != 422 || !strings.Contains(string(a.Body), strings.Replace(want, "expected ", `"expected":"`, 1)) || !strings.Contains(string(a.Body), "conversation_storage.path") {
				t.Errorf("%s: %d %s", path, a.Status, a.Body)
			}
		}, "t")
		f := newFolder(t, fmt.Sprintf("defaults {\n llm { provider = \"echo\" }\n conversation_storage {\n  backend = \"sqlite\"\n  path = %q\n }\n}\n", path))
		out, err := f.command("config", "check", "--config", filepath.Join(f.dir, "botyard.hcl"))
		if status(err) != 3 || !strings.Contains(out, fmt.Sprintf("botyard.hcl:7:3: defaults.conversation_storage.path: is %q; %s", path, want)) {
			t.Errorf("%s: %v: %s", path, err, out)
		}
	}
}

// TestConfigCheck_takesTheFlagsOfServe checks that "config check" accepts the flags of serve and refuses
// their invalid values.
func TestConfigCheck_takesTheFlagsOfServe(t *testing.T) {
	host := newFolder(t, echoDefaults)
	file := filepath.Join(host.dir, "botyard.hcl")
	for _, c := range []struct{ flag, value, want string }{
		{"--listen", "0.0.0.0:0", "listen: refusing to listen on"},
		{"--listen", "nonsense", "listen: \"nonsense\" is not an address"},
		{"--tenant-dir", host.dir + "/none", "tenant_dirs.0: open"},
	} {
		for _, command := range [][]string{{"config", "check"}, {"serve"}} {
			out, err := host.command(append(command, "--config", file, c.flag, c.value)...)
			if status(err) != 3 || !strings.HasPrefix(strings.TrimPrefix(out, "botyard: "), c.want) {
				t.Errorf("%v %s %s: %v: %s", command, c.flag, c.value, err, out)
			}
		}
	}
}

// TestConfigCheck_missingPluginFolder checks that "config check" warns of a missing plugin folder and
// succeeds.
func TestConfigCheck_missingPluginFolder(t *testing.T) {
	host := newFolder(t, echoDefaults)
	file := filepath.Join(host.dir, "botyard.hcl")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	host.write("botyard.hcl", strings.Replace(string(text), "plugin_dirs = [", "plugin_dirs = [\"none\", ", 1))
	out, err := host.command("config", "check", "--config", file)
	if want := "warning: " + file + ":1:16: plugin_dirs.0: there is no folder " + host.dir + "/none"; err != nil || !strings.HasPrefix(out, want) {
		t.Errorf("%v: %s", err, out)
	}
	out, err = host.command("config", "check", "--json", "--config", file)
	if err != nil || !strings.Contains(out, `"path": "plugin_dirs.0"`) {
		t.Errorf("%v: %s", err, out)
	}
}

// TestConfigCheck_asRoot checks that "config check", run by root, does not change the owners of a service
// user's files. It also checks that the service user can run "config check" and serve afterwards.
func TestConfigCheck_asRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	const service = 65534
	host := newFolder(t, sqliteDefaults)
	// The service user needs access to the folders of this test.
	for at := range map[string]bool{binaries: true, filepath.Join(binaries, "plugins"): true, host.dir: true} {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	own := func() {
		if err := filepath.WalkDir(host.dir, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Chown(path, service, service))
		}); err != nil {
			t.Fatal(err)
		}
	}
	owners := func() string {
		var b strings.Builder
		if err := filepath.WalkDir(host.dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil {
				fmt.Fprintln(&b, path, info.Mode(), info.Sys().(*syscall.Stat_t).Uid)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	as := func(uid uint32, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(binaries, "botyard"), args...)
		cmd.Dir = host.dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + filepath.Join(host.dir, "tmp")}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		return cmd
	}
	if err := os.Mkdir(filepath.Join(host.dir, "t"), 0o700); err != nil {
		t.Fatal(err)
	}
	own()
	file := filepath.Join(host.dir, "botyard.hcl")
	check := func(uid uint32) {
		t.Helper()
		before := owners()
		if out, err := as(uid, "config", "check", "--config", file).CombinedOutput(); err != nil {
			t.Errorf("check as %d: %v: %s", uid, err, out)
		}
		if after := owners(); after != before {
			t.Errorf("a check as %d: before:\n%safter:\n%s", uid, before, after)
		}
	}
	check(0)
	check(service)

	// The service user's host creates its data_dir. The later checks then find a data_dir in use.
	host.as = &syscall.Credential{Uid: service, Gid: service}
	for range 2 {
		host.run()
		host.mustChat("a", "c", "hello")
		host.stop(syscall.SIGTERM)
		check(0)
		check(service)
	}
}
