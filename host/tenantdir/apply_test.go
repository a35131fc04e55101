package tenantdir

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/readfile"
)

// TestApply_fileDoesNotAnswer checks that a file whose read blocks does not delay the files
// before and after it in the folder, and that its tenant is served once the read continues.
func TestApply_fileDoesNotAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, name := range []string{"a.hcl", "m.hcl", "z.hcl"} {
		r.write(name, `v = 1`)
	}
	stuck := newHold(t)
	stuck.on.Store(true)
	r.o.read = func(ctx context.Context, path string) ([]byte, error) {
		return readfile.Bounded(ctx, path, func() ([]byte, error) {
			if filepath.Base(path) == "m.hcl" {
				stuck.all.Add(1)
				defer stuck.all.Done()
				stuck.wait()
			}
			return config.ReadSource(context.Background(), path)
		})
	}
	r.follow()
	if a, _ := r.get("a"); a != "1" {
		t.Errorf("the one before: %q", a)
	}
	if z, _ := r.get("z"); z != "1" {
		t.Errorf("the one after: %q", z)
	}
	if _, err := r.get("m"); !errors.Is(err, readfile.ErrBlocked) {
		t.Errorf("the one that does not answer: %v", err)
	}
	put(t, r.dir, "z.hcl", "v = 2")
	r.soon("a change of another applies", r.serves("z", "2"))
	stuck.release()
	r.soon("it is served once it answers", r.serves("m", "1"))
}

// TestApply_unreadable checks that a path that is not a regular file, and a file that is too
// large, are refused with a reason.
func TestApply_unreadable(t *testing.T) {
	r := newRig(t)
	r.write("a.hcl", `v = 1`)
	r.write("z.hcl", `v = 1`)
	r.write("large.hcl", "")
	in := func(name string) string { return filepath.Join(r.dir, name) }
	must(t, os.Truncate(in("large.hcl"), 1<<30), syscall.Mkfifo(in("pipe.hcl"), 0o600), os.Symlink("/dev/zero", in("device.hcl")))
	r.follow()
	r.soon("the large one is refused", r.refusedFor("large", "1073741824 bytes"))
	r.soon("the pipe is refused", r.refusedFor("pipe", "not a regular file"))
	r.soon("the device is refused", r.refusedFor("device", "not a regular file"))
	for _, id := range []string{"a", "z"} {
		if v, err := r.get(id); v != "1" || err != nil {
			t.Errorf("%s: %q %v", id, v, err)
		}
		put(t, r.dir, id+".hcl", "v = 2")
		r.soon("a change beside them applies", r.serves(id, "2"))
	}
	// When the file of a served tenant becomes too large, the tenant is still served as before.
	must(t, os.Truncate(in("a.hcl"), 1<<30))
	r.soon("it is refused", r.refusedFor("a", "1073741824 bytes"))
	if v, _ := r.get("a"); v != "2" {
		t.Errorf("the last good settings: %q", v)
	}
	for _, name := range []string{"large", "pipe", "device", "a"} {
		must(t, os.Remove(in(name+".hcl")))
		put(t, r.dir, name+".hcl", "v = 3")
		r.soon("it is served once it is a file", r.serves(name, "3"))
	}
}
