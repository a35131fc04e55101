package secret

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestLoadOrCreateKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host.key")
	const n = 16
	digests := make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			k, err := LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
				return
			}
			digests[i] = k.Digest([]byte("x"))
		})
	}
	wg.Wait()
	for _, d := range digests {
		if d != digests[0] {
			t.Fatal("racing creators got different keys")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != keySize {
		t.Errorf("key file: %v, %v", info, err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left beside the key: %v, %v", left, err)
	}
}

func TestLoadOrCreateKey_refuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, n int, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, make([]byte, n), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe, linked := filepath.Join(dir, "pipe"), filepath.Join(dir, "linked")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.Symlink("/dev/zero", linked), os.Truncate(write("sparse", 1, 0o600), 1<<30)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		pipe:                             "is not a regular file",
		linked:                           "is not a regular file",
		filepath.Join(dir, "sparse"):     "a key has 32 bytes, not 1073741824",
		write("group", keySize, 0o642):   "has mode 0642",
		write("world", keySize, 0o604):   "has mode 0604",
		write("short", keySize-1, 0o600): "a key has 32 bytes, not 31",
		write("long", keySize+1, 0o600):  "a key has 32 bytes, not 33",
		write("empty", 0, 0o600):         "a key has 32 bytes, not 0",
		dir:                              "is not a regular file",
		filepath.Join(dir, "no", "key"):  "no such file",
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			if _, err := LoadOrCreateKey(path); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", filepath.Base(path), err, want)
			}
		})
	}
}
