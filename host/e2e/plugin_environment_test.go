package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestPluginEnvironment checks that plugins get no secret of the host's environment, and a HOME of
// their own.
func TestPluginEnvironment(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": ""})
	host.mustChat("a", "c", "x")
	for _, pid := range children(t, host.cmd.Process.Pid) {
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if errors.Is(err, fs.ErrPermission) && os.Getuid() != 0 {
			t.Skip("only root sees what a plugin was started with: ", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]string{}
		for _, variable := range strings.Split(string(env), "\x00") {
			name, value, _ := strings.Cut(variable, "=")
			values[name] = value
		}
		if strings.Contains(string(env), "HOST_ONLY_SECRET") || !strings.HasPrefix(values["HOME"], values["TMPDIR"]+"/") {
			t.Errorf("process %d has %q", pid, env)
		}
	}
}

// TestPluginDescriptors checks that a plugin inherits none of the descriptors with which its host was
// started.
func TestPluginDescriptors(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": ""})
	host.stop(syscall.SIGTERM)
	secret := filepath.Join(host.dir, "not-for-plugins")
	f, err := os.Create(secret)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	host.extra = []*os.File{f, f, f, f, f} // descriptors 3 to 7
	host.run()
	host.mustChat("a", "c", "x")
	open := func(pid int) (links []string) {
		all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, path := range all {
			if link, err := os.Readlink(path); err == nil {
				links = append(links, link)
			}
		}
		return links
	}
	if os.Getuid() != 0 {
		t.Skip("only root sees the descriptors of a host and its plugins")
	}
	if !strings.Contains(strings.Join(open(host.cmd.Process.Pid), " "), secret) {
		t.Fatal("the host was started without the file")
	}
	hosts := map[string]bool{} // files that the host has open; plugins may share its pipes
	for _, link := range open(host.cmd.Process.Pid) {
		hosts[link] = strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "/sys/") && link != os.DevNull // each process opens /sys files and /dev/null by itself
	}
	pids := children(t, host.cmd.Process.Pid)
	if len(pids) != 3 {
		t.Fatalf("%d plugins run", len(pids))
	}
	for _, pid := range pids {
		for _, link := range open(pid) {
			if hosts[link] {
				t.Errorf("process %d has the host's %s", pid, link)
			}
		}
	}
}
