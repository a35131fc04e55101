package tenantdir

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestScan_folderAway(t *testing.T) {
	r := newRig(t)
	r.write("a.hcl", `v = 1`)
	r.load()
	if err := os.Rename(r.dir, r.dir+"-away"); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for range 10 {
		r.scan(ctx)
		time.Sleep(20 * time.Millisecond)
	}
	if v, _ := r.get("a"); v != "1" {
		t.Error("a tenant was dropped with its folder")
	}
	if err := os.Rename(r.dir+"-away", r.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(r.dir, "a.hcl")); err != nil {
		t.Fatal(err)
	}
	r.eventually("a real removal", func() bool { r.scan(ctx); return r.serves("a", "")() })
}

// TestScan_links checks tenant files in the form of a ConfigMap that Kubernetes mounts: each
// file is a link to a path that leads through a second link. An update replaces the second
// link.
func TestScan_links(t *testing.T) {
	r := newRig(t)
	data := t.TempDir()
	turn := func(v string) {
		must(t, os.Mkdir(filepath.Join(data, v), 0o700))
		put(t, filepath.Join(data, v), "a.hcl", "v = "+v)
		must(t, os.Symlink(filepath.Join(data, v), filepath.Join(data, "new")), os.Rename(filepath.Join(data, "new"), filepath.Join(data, "now")))
	}
	turn("1")
	must(t, os.Symlink(filepath.Join(data, "now", "a.hcl"), filepath.Join(r.dir, "a.hcl")))
	r.follow()
	turn("2") // The watched folder does not change, so no event comes.
	r.eventually("what the link leads to applies", r.serves("a", "2"))
	put(t, filepath.Join(data, "2"), "a.hcl", "v = 3")
	r.eventually("a change of the target applies", r.serves("a", "3"))
}

// TestCheckPending checks that checkPending applies a settled file and does not look at other
// files.
func TestCheckPending(t *testing.T) {
	r := newRig(t)
	r.write("a.hcl", `v = 1`)
	r.write("b.hcl", `v = 1`)
	r.load()
	ctx := context.Background()
	put(t, r.dir, "a.hcl", "v = 22")
	if out := r.scan(ctx); !out.pending || out.removing {
		t.Fatalf("%+v", out)
	}
	put(t, r.dir, "b.hcl", "v = 22")
	r.eventually("a settles", func() bool { return !r.checkPending(ctx) })
	if !r.serves("a", "22")() || !r.serves("b", "1")() {
		t.Errorf("served %v", r.served)
	}
	// checkPending ignores a file that is removed before it has settled. The next scan handles
	// it.
	r.eventually("b settles", func() bool { return !r.scan(ctx).pending })
	put(t, r.dir, "a.hcl", "v = 333")
	r.scan(ctx)
	must(t, os.Remove(filepath.Join(r.dir, "a.hcl")))
	if r.checkPending(ctx) {
		t.Error("a file that is gone is waited for")
	}
	r.eventually("it is dropped", func() bool { r.scan(ctx); return r.serves("a", "")() })
}
