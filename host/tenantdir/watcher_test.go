package tenantdir

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// replacements are functions that make a path name another folder. The new folder has the file
// a.hcl with the content v.
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

// TestWatcher_replacedFolder checks that a watcher notices when a path begins to name another
// folder. The scans of watched folders are ten seconds apart, more than eventually waits, so
// only a noticed change can apply in time.
func TestWatcher_replacedFolder(t *testing.T) {
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
				time.Sleep(3 * r.o.timing.poll) // enough time to notice the new folder and to watch it
				put(t, r.dir, "a.hcl", fmt.Sprint("v = ", i+1))
				r.eventually("a change in the new folder applies", r.serves("a", fmt.Sprint(i+1)))
			}
		})
	}
}

// TestWatcher_watchesLater checks that folders are watched as soon as the operating system can
// watch them.
func TestWatcher_watchesLater(t *testing.T) {
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
