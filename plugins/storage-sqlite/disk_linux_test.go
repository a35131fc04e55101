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

func makeReadOnly(dir string) error { return remount(dir, syscall.MS_RDONLY) }

func makeWritable(dir string) error { return remount(dir, 0) }

func remount(dir string, flags uintptr) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, "")
}
