package tenantdir

import (
	"testing"
)

// TestFolderListing_doesNotAnswer checks that the tenants of a folder whose file system stops
// responding stay served, and that the folder does not delay other folders.
func TestFolderListing_doesNotAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	away := t.TempDir()
	r.more = []string{away}
	r.restart()
	r.write("a.hcl", `v = 1`)
	put(t, away, "b.hcl", "v = 1")
	stuck := newHold(t)
	r.o.list = func(dir string) ([]entry, error) {
		if dir == away {
			stuck.wait()
		}
		return listFolder(dir)
	}
	r.follow()
	r.soon("both are served", func() bool { return r.serves("a", "1")() && r.serves("b", "1")() })
	stuck.on.Store(true)
	for _, v := range []string{"2", "3"} {
		put(t, r.dir, "a.hcl", "v = "+v)
		r.soon("a change in the other folder applies", r.serves("a", v))
	}
	if b, _ := r.get("b"); b != "1" {
		t.Errorf("of the folder that is away: %q", b)
	}
	put(t, away, "b.hcl", "v = 2")
	stuck.release()
	r.soon("it is followed again", r.serves("b", "2"))
}
