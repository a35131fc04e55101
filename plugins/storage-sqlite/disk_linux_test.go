package sqlitestore

import (
	"os"
	"syscall"
	"testing"
)

// smallDisk mounts a tmpfs with the given options and returns its folder. It skips the test if the
// tmpfs cannot be mounted.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may mount a file system")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skip("no file system can be mounted here: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error("unmount: ", err)
		}
	})
	return dir
}

// writable remounts the tmpfs in dir. The tmpfs is then writable if on is true, and read-only
// otherwise.
func writable(dir string, on bool) error {
	flags := uintptr(syscall.MS_REMOUNT)
	if !on {
		flags |= syscall.MS_RDONLY
	}
	return syscall.Mount("tmpfs", dir, "tmpfs", flags, "")
}
