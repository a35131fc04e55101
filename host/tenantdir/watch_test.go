package tenantdir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// follow runs the follower until the test ends.
func (r *rig) follow() {
	r.load()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.Follower.Run(ctx) })
	r.Cleanup(func() { stop(); wg.Wait() })
}

// put is the file now, as an editor leaves it.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// replacements are ways in which a path comes to lead to another folder with the
// version of a file.
var replacements = map[string]func(t *testing.T, path, v string){
	"moved away and made anew": func(t *testing.T, path, v string) {
		must(t, os.Rename(path, path+"-before-"+v), os.Mkdir(path, 0o700))
		put(t, path, "a.hcl", v)
	},
	"removed and made anew": func(t *testing.T, path, v string) {
		must(t, os.RemoveAll(path), os.Mkdir(path, 0o700))
		put(t, path, "a.hcl", v)
	},
	"another moved there": func(t *testing.T, path, v string) {
		aside := path + "-aside-" + v
		must(t, os.Mkdir(aside, 0o700))
		put(t, aside, "a.hcl", v)
		must(t, os.Rename(path, path+"-before-"+v), os.Rename(aside, path))
	},
	"a link that is turned": func(t *testing.T, path, v string) {
		aside := path + "-aside-" + v
		must(t, os.Mkdir(aside, 0o700))
		put(t, aside, "a.hcl", v)
		if info, err := os.Lstat(path); err == nil && info.IsDir() {
			must(t, os.Rename(path, path+"-before-"+v))
		}
		must(t, os.Symlink(aside, path+".new"), os.Rename(path+".new", path))
	},
}

// Between two looks at watched folders there are ten seconds here, more than what
// eventually waits: what applies was noticed.
func TestAFolderThatIsReplacedIsFollowed(t *testing.T) {
	for name, replace := range replacements {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.dir = filepath.Join(r.dir, "tenants")
			must(t, os.Mkdir(r.dir, 0o700))
			r.restart()
			r.write("a.hcl", `v = 1`)
			r.follow()
			for i := 2; i < 8; i += 2 {
				replace(t, r.dir, fmt.Sprint("v = ", i))
				r.eventually("what is in the new folder applies", r.serves("a", fmt.Sprint(i)))
				time.Sleep(3 * r.o.timing.poll) // noticed, and watched
				put(t, r.dir, "a.hcl", fmt.Sprint("v = ", i+1))
				r.eventually("a change in the new folder applies", r.serves("a", fmt.Sprint(i+1)))
			}
		})
	}
}

// As Kubernetes mounts a ConfigMap: the files are links through a link that is turned.
func TestLinksToFilesAreFollowed(t *testing.T) {
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

// Archives and images give each version of a file the same time.
func TestAFileOfTheSameSizeAndTimeIsAnother(t *testing.T) {
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

// unwatched is a machine without watches.
func unwatched() (*fsnotify.Watcher, error) { return nil, errors.New("no watches are left") }

func TestFoldersThatCannotBeWatchedArePolled(t *testing.T) {
	// A file that changes right after a look is seen with the next one, and settled
	// with the last of those that follow.
	if worst := usual.poll + usual.settle + usual.settle/3; worst > 1500*time.Millisecond {
		t.Errorf("a change applies after %s: two seconds are promised, and applying takes some of them", worst)
	}
	r := newRig(t)
	r.o.watcher, r.o.timing = unwatched, usual
	r.write("a.hcl", `v = 1`)
	r.follow()
	for i := 2; i < 5; i++ {
		put(t, r.dir, "a.hcl", fmt.Sprint("v = ", i))
		r.eventually("it applies", r.serves("a", fmt.Sprint(i)))
	}
}

// Watches may be had later: then the folders are watched.
func TestFoldersAreWatchedOnceThatCanBe(t *testing.T) {
	r := newRig(t)
	var mu sync.Mutex
	var tries, fails int
	fails = 3
	r.o.watcher = func() (*fsnotify.Watcher, error) {
		mu.Lock()
		defer mu.Unlock()
		if tries++; tries <= fails {
			return unwatched()
		}
		return fsnotify.NewWatcher()
	}
	r.o.timing.poll = 20 * time.Millisecond
	r.follow()
	r.eventually("it is tried again", func() bool { mu.Lock(); defer mu.Unlock(); return tries == fails+1 })
	time.Sleep(5 * r.o.timing.poll)
	put(t, r.dir, "a.hcl", "v = 1")
	r.eventually("a change applies", r.serves("a", "1"))
	mu.Lock()
	defer mu.Unlock()
	if tries != fails+1 {
		t.Errorf("a watcher that works was made anew: %d tries", tries)
	}
}

// A file that settles is not made to wait for a look at all the others.
func TestAGlanceSeesOnlyWhatIsAboutToSettle(t *testing.T) {
	r := newRig(t)
	r.write("a.hcl", `v = 1`)
	r.write("b.hcl", `v = 1`)
	r.load()
	ctx := context.Background()
	put(t, r.dir, "a.hcl", "v = 22")
	if out := r.scan(ctx); !out.pending || out.leaving {
		t.Fatalf("%+v", out)
	}
	put(t, r.dir, "b.hcl", "v = 22")
	r.eventually("a settles", func() bool { return !r.glance(ctx) })
	if !r.serves("a", "22")() || !r.serves("b", "1")() {
		t.Errorf("served %v", r.served)
	}
	// One that goes before it settled is the next scan's.
	r.eventually("b settles", func() bool { return !r.scan(ctx).pending })
	put(t, r.dir, "a.hcl", "v = 333")
	r.scan(ctx)
	must(t, os.Remove(filepath.Join(r.dir, "a.hcl")))
	if r.glance(ctx) {
		t.Error("a file that is gone is waited for")
	}
	r.eventually("it is dropped", func() bool { r.scan(ctx); return r.serves("a", "")() })
}
