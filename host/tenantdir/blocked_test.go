package tenantdir

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/readfile"
)

// soon is [rig.eventually] for what waits for a file system as long as one is waited for.
func (r *rig) soon(what string, ok func() bool) {
	r.Helper()
	for deadline := time.Now().Add(60 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatal("never: " + what)
		}
	}
}

func (r *rig) refusedFor(id, why string) func() bool {
	return func() bool {
		_, err := r.get(id)
		return err != nil && strings.Contains(err.Error(), why)
	}
}

// hold is what does not answer before it is released.
type hold struct {
	on   atomic.Bool
	gate chan struct{}
	all  sync.WaitGroup
}

func newHold(t *testing.T) *hold {
	h := &hold{gate: make(chan struct{})}
	t.Cleanup(h.all.Wait)
	t.Cleanup(h.release)
	return h
}

func (h *hold) wait() {
	if h.on.Load() {
		<-h.gate
	}
}

func (h *hold) release() {
	if h.on.Swap(false) {
		close(h.gate)
	}
}

// A file whose mount does not answer keeps none of the others, before or after it in
// the folder, from being served and changed, and is served once it answers.
func TestAFileThatDoesNotAnswer(t *testing.T) {
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

// The end of the context ends a read that nothing else does.
func TestAReadThatDoesNotAnswerEndsWithTheFollower(t *testing.T) {
	r := newRig(t)
	r.write("a.hcl", `v = 1`)
	r.load()
	reading := make(chan struct{})
	r.o.read = func(ctx context.Context, _ string) ([]byte, error) {
		close(reading)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan struct{})
	go func() { defer close(ended); r.Follower.Run(ctx) }()
	put(t, r.dir, "a.hcl", "v = 2")
	for _, next := range []struct {
		what string
		is   chan struct{}
	}{{"it is read", reading}, {"the follower ends", ended}} {
		select {
		case <-next.is:
			stop()
		case <-time.After(60 * time.Second):
			t.Fatal("never: " + next.what)
		}
	}
	if v, refused := r.get("a"); v != "1" || refused != nil {
		t.Errorf("that it was broken off counts against the file: %q %v", v, refused)
	}
}

// A folder whose mount goes away says nothing about its tenants, and holds up no other.
func TestAFolderThatDoesNotAnswer(t *testing.T) {
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

// What is no file, and what is far too large, is refused, and told why.
func TestFilesThatAreNotRead(t *testing.T) {
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
	// One that was served, and becomes large, goes on as it was.
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
