package plugins

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// inheritable opens a file without close-on-exec, so that new processes would inherit its
// descriptor. It returns the path of the file.
func inheritable(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "leak")
	fd, err := syscall.Open(path, syscall.O_CREAT|syscall.O_RDWR, 0o600) // syscall.Open does not set close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	return path
}

// TestLauncher_descriptors checks that plugins do not inherit files that were opened
// without close-on-exec, either before the first plugin was started or later.
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
