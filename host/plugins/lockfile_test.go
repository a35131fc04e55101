package plugins

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/botyard/botyard/host/bounds"
)

// beyond: lock file
func TestLockFileIsBounded(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, lockFileName)
	must(t, os.WriteFile(path, bytes.Repeat([]byte("#\n"), bounds.LockFileBytes/2), 0o600))
	if _, err := readLockFile(dir); err != nil {
		t.Error(err)
	}
	must(t, os.WriteFile(path, bytes.Repeat([]byte("#\n"), bounds.LockFileBytes/2+1), 0o600))
	if _, err := readLockFile(dir); err == nil {
		t.Error("a larger one is read")
	}
}
