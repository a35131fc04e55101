package tenantdir

import (
	"os"
	"path/filepath"
	"testing"
)

// Archives and images give all versions of a file the same time. The test checks that a change is
// noticed anyway.
func TestSnapshot_sameSizeAndTime(t *testing.T) {
	r := newRig(t)
	r.write("a.hcl", "v = 1")
	r.follow()
	path := filepath.Join(r.dir, "a.hcl")
	old, err := os.Stat(path)
	must(t, err)
	put(t, r.dir, ".aside", "v = 2")
	must(t, os.Chtimes(filepath.Join(r.dir, ".aside"), old.ModTime(), old.ModTime()), os.Rename(filepath.Join(r.dir, ".aside"), path))
	r.eventually("it applies", r.serves("a", "2"))
}
