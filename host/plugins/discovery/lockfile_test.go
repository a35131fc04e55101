package discovery

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/botyard/botyard/host/bounds"
)

// TestReadLockFile_bounded checks that readLockFile reads a lock file of
// bounds.LockFileBytes, and refuses a larger one.
//
// beyond: lock file
func TestReadLockFile_bounded(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, LockFileName)
	write := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(bytes.Repeat([]byte("#\n"), bounds.LockFileBytes/2))
	if _, err := readLockFile(dir); err != nil {
		t.Error(err)
	}
	write(bytes.Repeat([]byte("#\n"), bounds.LockFileBytes/2+1))
	if _, err := readLockFile(dir); err == nil {
		t.Error("a larger one is read")
	}
}
