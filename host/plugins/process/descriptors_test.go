package process

import (
	"os"
	"path/filepath"
	"strings"
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

func TestSealEach(t *testing.T) {
	path := inheritable(t)
	sealEach()
	fds, _ := filepath.Glob("/proc/self/fdinfo/*")
	for _, info := range fds {
		fd := filepath.Base(info)
		if to, _ := os.Readlink("/proc/self/fd/" + fd); to != path {
			continue
		}
		if text, err := os.ReadFile(info); err != nil || !strings.Contains(string(text), "flags:\t02") {
			t.Errorf("descriptor %s is not close-on-exec: %s %v", fd, text, err)
		}
		return
	}
	t.Error("the file is not open")
}
