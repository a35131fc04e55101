package plugins

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// inheritable opens a file so that processes started from now on inherit it.
func inheritable(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "leak")
	fd, err := syscall.Open(path, syscall.O_CREAT|syscall.O_RDWR, 0o600) // not close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	return path
}

// TestLauncher_descriptors checks that a plugin inherits no files that the host's program
// opened without close-on-exec, before the host started and while it runs.
func TestLauncher_descriptors(t *testing.T) {
	before := inheritable(t)
	h := newHost(t, hostOptions{}, "one", "two")
	h.ask(h.open(Spec{Name: "one"}), "hello")
	later := inheritable(t)
	for _, name := range []string{"one", "two"} {
		i := h.open(Spec{Name: name})
		links, _ := filepath.Glob("/proc/" + itoa(h.pid(i)) + "/fd/*")
		if len(links) < 3 {
			t.Fatalf("descriptors of %s: %v", name, links)
		}
		for _, link := range links {
			if to, _ := os.Readlink(link); to == before || to == later {
				t.Errorf("%s has %s", name, to)
			}
		}
	}
}
