package sqlitestore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

// TestStore_Check checks that a check of a file that does not exist creates none, and what a check says
// of a file that is gone and of a folder that cannot be used.
func TestStore_Check(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openStore(t, dir)
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the check left %v, %v", left, err)
	}
	end(t, s, begin(t, s))
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); !fault.Is(err, fault.ProviderFailed) || !strings.Contains(err.Error(), "the database's file is gone") {
		t.Errorf("without the file: %v", err)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("after the file came back: %v", err)
	}

	never := filepath.Join(t.TempDir(), "never")
	s = openStore(t, never)
	if err := os.RemoveAll(never); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(never, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if f := fault.Of(s.Check(t.Context())); f == nil || f.Class != fault.Invalid || f.Path.String() != "path" {
		t.Errorf("a file in the place of the folder: %v", f)
	}
}
