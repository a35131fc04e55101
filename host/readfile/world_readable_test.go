package readfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestWorldReadable(t *testing.T) {
	dir := t.TempDir()
	for mode, want := range map[fs.FileMode]bool{
		0o600: false, 0o400: false, 0o640: false, 0o440: false, 0o660: false, 0o642: false, 0o641: false,
		0o644: true, 0o444: true, 0o604: true, 0o666: true, 0o777: true,
	} {
		t.Run(fmt.Sprintf("%04o", mode), func(t *testing.T) {
			path := write(t, filepath.Join(dir, "file"), "x")
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			if got, open := WorldReadable(t.Context(), path); got != mode || open != want {
				t.Errorf("%04o %t", got, open)
			}
			if err := os.Chmod(path, 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
	// The folder has the layout of a Secret that Kubernetes mounts.
	volume := filepath.Join(dir, "volume")
	if err := errors.Join(os.MkdirAll(filepath.Join(volume, "..2026"), 0o755), os.Symlink("..2026", filepath.Join(volume, "..data")),
		os.Symlink("..data/token", filepath.Join(volume, "token")), syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644),
		os.Chmod(write(t, filepath.Join(volume, "..2026", "token"), "x"), 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"volume/token", "volume", "pipe", "nothing"} {
		if mode, open := WorldReadable(t.Context(), filepath.Join(dir, name)); open {
			t.Errorf("%s: %04o", name, mode)
		}
	}
	if _, open := WorldReadable(t.Context(), filepath.Join(volume, "..2026", "token")); !open {
		t.Error("the target of the link is not world-readable")
	}
}
