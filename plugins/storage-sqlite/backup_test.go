package sqlitestore

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

func TestBackup(t *testing.T) {
	s, _, copied := backedUp(t, t.TempDir())
	info, err := os.Stat(copied)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := s.Backup(t.Context(), filepath.Dir(copied)); !fault.Is(err, fault.Conflict) {
		t.Errorf("onto a copy that is there: %v", err)
	}
	for _, folder := range []string{"relative", filepath.Join(t.TempDir(), "missing")} {
		if _, err := s.Backup(t.Context(), folder); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", folder, err)
		}
	}
	// An interrupted backup leaves a partial file. The next backup replaces that file.
	again := t.TempDir()
	if err := os.WriteFile(filepath.Join(again, "botyard.db.partial"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Backup(t.Context(), again); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(again)
	if err != nil || len(left) != 1 || left[0].Name() != "botyard.db" {
		t.Errorf("%v, %v", left, err)
	}
	if got := conversations(t, openStore(t, again)); got != "kept lost" {
		t.Errorf("the copy: %s", got)
	}
}
