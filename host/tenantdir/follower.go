package tenantdir

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/go-hclog"
)

// Target is who is told of tenants. Calls for one tenant come one at a time, those for
// several at once.
type Target interface {
	// Apply serves the tenant with the document, which path brings, whatever file
	// brought it before, and returns the paths of the texts in it that are secret; an error
	// leaves things as they were.
	Apply(ctx context.Context, id, path string, doc *config.Document) (secrets []config.Path, err error)
	// Refuse notes why the newest file of the tenant, which is path now, is not served.
	Refuse(id, path string, err error)
	// Drop stops serving the tenant, if it comes from path. It deletes nothing else.
	Drop(id, path string)
}

// Options are what a Follower is made with.
type Options struct {
	Dirs   []string
	Target Target
	// Store keeps the last good documents; nil keeps none.
	Store *Store
	Log   hclog.Logger

	timing  timing
	watcher func() (*fsnotify.Watcher, error) // nil: fsnotify's
	list    func(dir string) ([]entry, error) // nil: listFolder
	read    func(ctx context.Context, path string) ([]byte, error)
}

// timing says when a file is believed. Tests make it short.
type timing struct {
	settle   time.Duration // a file is read when it did not change for so long
	gone     time.Duration // a file that is away for so long is gone: editors replace files in two steps
	poll     time.Duration // between two looks where folders are not watched, and between two looks at which they are
	watch    time.Duration // between two looks where they are watched
	patience time.Duration // how long a scan waits for files that are being applied
	reread   time.Duration // between two tries of a file that cannot be read: nothing tells when it can
}

var usual = timing{settle: 300 * time.Millisecond, gone: time.Second, poll: 500 * time.Millisecond, watch: 5 * time.Second, reread: 5 * time.Second, patience: 2 * time.Second}

// Follower follows tenant folders. Load it once, then Run it. A tenant is its id:
// which file of the folders brings it may change.
type Follower struct {
	o Options

	mu      sync.Mutex         // held by a scan but for what is waited for
	files   map[string]*file   // by path
	tenants map[string]*tenant // by id: all that have a file, or had one a moment ago
	lost    map[string]bool    // folders that could not be read when they were last looked at
	ignored map[string]string  // files that look like a tenant's and are none: why
	// listings are the looks at folders that were not answered yet.
	listings map[string]*listing
	// dropped is when tenants were whose files vanished lately.
	dropped []time.Time
	again   chan struct{} // asks Run for a look
	judging int           // files that are being applied
	ended   chan struct{} // closed when one of them was; nil while nobody waits for that
	jobs    sync.WaitGroup
	parsing sync.Mutex // one document is read at a time
	now     func() time.Time
}

// New makes a Follower.
func New(o Options) *Follower {
	if o.timing == (timing{}) {
		o.timing = usual
	}
	if o.timing.patience == 0 {
		o.timing.patience = usual.patience
	}
	if o.watcher == nil {
		o.watcher = fsnotify.NewWatcher
	}
	if o.list == nil {
		o.list = listFolder
	}
	if o.read == nil {
		o.read = config.ReadSource
	}
	return &Follower{
		o: o, files: map[string]*file{}, tenants: map[string]*tenant{}, lost: map[string]bool{}, ignored: map[string]string{}, listings: map[string]*listing{},
		again: make(chan struct{}, 1), now: time.Now,
	}
}

// Load reads the folders for the first time. What is wrong with one file is that
// tenant's matter; a folder that cannot be read is an error.
func (f *Follower) Load(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, dir := range f.o.Dirs {
		if _, err := f.list(ctx, dir, loadPatience); err != nil {
			return fmt.Errorf("tenant_dirs: %w", err)
		}
	}
	seen := f.look(ctx)
	now := f.now()
	for path, s := range seen.files {
		f.note(path, s, now)
		// What was written just now may be half of it.
		if !s.modified.After(now) {
			f.files[path].changed = s.modified
		}
	}
	f.recall()
	f.settle(ctx, seen)
	f.await(ctx)
	f.awaitLocked(ctx, 0, never) // a start serves what is there
	f.vanish(ctx, true)
	if ctx.Err() != nil {
		f.mu.Unlock()
		f.jobs.Wait()
		f.mu.Lock()
	}
	return ctx.Err()
}

// await gives files that were written just before the start the time to settle, so
// that a start serves what was there. One that goes on changing is Run's.
func (f *Follower) await(ctx context.Context) {
	for _, known := range f.files {
		if !known.pending {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(f.o.timing.settle):
		}
		seen := f.look(ctx)
		for path, s := range seen.files {
			if known, ok := f.files[path]; ok && known.stamp != s {
				known.stamp, known.changed = s, f.now()
			}
		}
		f.settle(ctx, seen)
		return
	}
}

// recall notes what was served in the last run: a tenant without a file is missing,
// and of two files of one tenant the one that served goes on.
func (f *Follower) recall() {
	var folders []string
	for _, dir := range f.o.Dirs {
		folders = append(folders, filepath.Clean(dir))
	}
	for _, kept := range f.o.Store.all() {
		t := f.tenants[kept.ID]
		if t == nil {
			if !slices.Contains(folders, filepath.Dir(kept.Path)) {
				continue // the folder is followed no longer
			}
			gone := f.add(kept.Path)
			gone.gone = true
			t = gone.tenant
			t.source, t.missing = gone, time.Unix(0, 0)
		}
		t.served = true
		if before := f.files[kept.Path]; before != nil && before.tenant == t {
			t.source = before
		}
	}
}
