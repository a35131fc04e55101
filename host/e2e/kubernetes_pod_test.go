package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// volume is a folder as Kubernetes mounts a ConfigMap or a Secret. Its files are symbolic links through
// the link ..data, whose change replaces all files at once.
type volume struct {
	t    *testing.T
	dir  string
	mode os.FileMode
	gid  int // group of the files; 0 keeps the default group
	n    int
}

func (v *volume) must(errs ...error) {
	v.t.Helper()
	if err := errors.Join(errs...); err != nil {
		v.t.Fatal(err)
	}
}

// put replaces all files of the volume.
func (v *volume) put(files map[string]string) {
	v.t.Helper()
	v.n++
	now := fmt.Sprintf("..2026_%d", v.n)
	v.must(os.MkdirAll(filepath.Join(v.dir, now), 0o755))
	for name, text := range files {
		path := filepath.Join(v.dir, now, name)
		v.must(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, v.mode))
		if v.gid != 0 {
			v.must(os.Chown(path, 0, v.gid))
		}
	}
	v.must(os.Symlink(now, filepath.Join(v.dir, "..data_tmp")), os.Rename(filepath.Join(v.dir, "..data_tmp"), filepath.Join(v.dir, "..data")))
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(v.dir, name)); err != nil && !errors.Is(err, os.ErrExist) {
			v.t.Fatal(err)
		}
	}
}

// TestKubernetesPod checks a host that runs as in a typical pod. The host does not run as root. Its
// configuration is in ConfigMaps and its key in a Secret that its group may read. Its plugins are in an
// emptyDir, and its data_dir is on a volume of its group. A change of a ConfigMap must apply.
func TestKubernetesPod(t *testing.T) {
	const user, group = 65532, 2000
	asRoot := os.Getuid() == 0
	host := prepareHost(t, "", nil)
	in := func(name string) string { return filepath.Join(host.dir, name) }
	config := &volume{t: t, dir: in("config"), mode: 0o644}
	tenants := &volume{t: t, dir: in("configured"), mode: 0o644}
	key := &volume{t: t, dir: in("key"), mode: 0o440}
	if asRoot {
		key.gid = group
	}
	config.put(map[string]string{"botyard.hcl": fmt.Sprintf("plugin_dirs = [%q]\ntenant_dirs = [%q]\ndata_dir = %q\nhost_key = file(%q)\n%s",
		in("plugins"), tenants.dir, in("data"), in("key/host.key"), echoDefaults)})
	tenants.put(map[string]string{"acme.hcl": `prompts { system = "the first" }`})
	key.put(map[string]string{"host.key": strings.Repeat("ab", 32) + "\n"})
	for _, dir := range []string{"plugins", "data", "t"} {
		config.must(os.MkdirAll(in(dir), 0o700), os.Chmod(in(dir), 0o770|os.ModeSetgid))
	}
	for _, name := range []string{"llm-echo", "memory-buffer", "storage-memory"} {
		binary, err := os.ReadFile(filepath.Join(binaries, "plugins", "botyard-"+name))
		path := in("plugins/botyard-" + name)
		config.must(err, os.WriteFile(path, binary, 0o600), os.Chmod(path, 0o755))
		if asRoot {
			config.must(os.Chown(path, user, group))
		}
	}
	if asRoot {
		config.must(os.Chmod(host.dir, 0o755), os.Chmod(binaries, 0o755), os.Chown(in("plugins"), 0, group), os.Chown(in("data"), 0, group), os.Chown(in("t"), user, group))
		host.as = &syscall.Credential{Uid: user, Gid: user, Groups: []uint32{group}}
	}
	host.config = in("config/botyard.hcl")

	doctor := func() string {
		t.Helper()
		cmd := exec.Command(filepath.Join(binaries, "botyard"), "doctor", "--config", host.config)
		cmd.Dir = host.dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + in("t")}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: host.as}
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(out), "problem: ") || strings.Contains(string(out), "warning: files") {
			t.Errorf("%v: %s", err, out)
		}
		return string(out)
	}
	doctor()
	host.runUntilTheEnd()
	says := func(tenant, prompt string) func() bool {
		return func() bool {
			a := host.chat(tenant, "c", "hello")
			return a.Status == http.StatusOK && strings.Contains(string(a.Body), prompt)
		}
	}
	if !says("acme", "the first")() {
		t.Fatalf("%+v", host.chat("acme", "c", "hello"))
	}
	if !strings.Contains(doctor(), "ok: key: host_key: is ${file:"+in("key/host.key")+"}") {
		t.Error("the doctor says nothing of the key")
	}
	if _, err := os.Stat(in("data/host.key")); err == nil {
		t.Error("it made a key of its own")
	}
	tenants.put(map[string]string{"acme.hcl": `prompts { system = "the second" }`, "beta.hcl": `prompts { system = "another" }`})
	host.eventually(soon, "the change counts", says("acme", "the second"))
	host.eventually(soon, "the new one is served", says("beta", "another"))
	host.stop(syscall.SIGTERM)
	host.run()
	if !says("acme", "the second")() {
		t.Error("it does not start again")
	}
}
