package tenantdir

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSnapshot_sameSizeAndTime checks that a change is noticed even if the new version of a
// file has the size and the modification time of the old version, as in archives and images.
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
