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

// Kubernetes mounts a ConfigMap so: the files are links through another link, which is replaced.
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
	turn("2") // nothing in the watched folder tells of it
	r.eventually("what the link leads to applies", r.serves("a", "2"))
	put(t, filepath.Join(data, "2"), "a.hcl", "v = 3")
	r.eventually("a change of the target applies", r.serves("a", "3"))
}

// The test checks that a settled file is applied without a scan of all files.
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
	// checkPending leaves a file that is removed before it settled to the next scan.
	r.eventually("b settles", func() bool { return !r.scan(ctx).pending })
	put(t, r.dir, "a.hcl", "v = 333")
	r.scan(ctx)
	must(t, os.Remove(filepath.Join(r.dir, "a.hcl")))
	if r.checkPending(ctx) {
		t.Error("a file that is gone is waited for")
	}
	r.eventually("it is dropped", func() bool { r.scan(ctx); return r.serves("a", "")() })
}
