package tenantdir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/go-hclog"
)

// Target is who is told of tenants. Calls come one at a time.
type Target interface {
	// Apply serves the tenant with the document; an error leaves things as they were.
	Apply(ctx context.Context, id, path string, doc *config.Document) error
	// Refuse notes why the newest file of the tenant is not served.
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
}

// timing says when a file is believed. Tests make it short.
type timing struct {
	settle time.Duration // a file is read when it did not change for so long
	gone   time.Duration // a file that is away for so long is gone: editors replace files in two steps
	poll   time.Duration // between two looks where folders are not watched, and between two looks at which they are
	watch  time.Duration // between two looks where they are watched
}

var usual = timing{settle: 300 * time.Millisecond, gone: time.Second, poll: 500 * time.Millisecond, watch: 5 * time.Second}

// Follower follows tenant folders. Load it once, then Run it.
type Follower struct {
	o Options

	mu    sync.Mutex // one scan or confirmation at a time
	files map[string]*file
	lost  map[string]bool // folders that could not be read when they were last looked at
	// dropped is when tenants were whose files vanished lately.
	dropped []time.Time
	again   chan struct{} // asks Run for a look
	now     func() time.Time
}

// file is what is known of one path.
type file struct {
	id      string
	stamp   stamp     // last seen
	changed time.Time // when that was first seen
	pending bool      // to be read once settled
	missing time.Time // since when it is not there; zero while it is
	held    bool      // missing, and served until confirmed
	refused bool      // what it holds was not applied
}

// New makes a Follower.
func New(o Options) *Follower {
	if o.timing == (timing{}) {
		o.timing = usual
	}
	if o.watcher == nil {
		o.watcher = fsnotify.NewWatcher
	}
	return &Follower{o: o, files: map[string]*file{}, lost: map[string]bool{}, again: make(chan struct{}, 1), now: time.Now}
}

// Load reads the folders for the first time. What is wrong with one file is that
// tenant's matter; a folder that cannot be read is an error.
func (f *Follower) Load(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, dir := range f.o.Dirs {
		if _, err := os.ReadDir(dir); err != nil {
			return fmt.Errorf("tenant_dirs: %w", err)
		}
	}
	seen := f.look().files
	f.recall(seen)
	now := f.now()
	for path, s := range seen {
		// What was written just now may be half of it.
		f.files[path] = &file{id: idOf(path), stamp: s, changed: s.modified, pending: true}
		if s.modified.After(now) {
			f.files[path].changed = now
		}
	}
	f.settle(ctx, seen)
	f.await(ctx)
	f.vanish(ctx, true)
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
		seen := f.look().files
		for path, s := range seen {
			if known, ok := f.files[path]; ok && known.stamp != s {
				known.stamp, known.changed = s, f.now()
			}
		}
		f.settle(ctx, seen)
		return
	}
}

// recall notes what was served in the last run and has no file any more.
func (f *Follower) recall(seen map[string]stamp) {
	for _, kept := range f.o.Store.all() {
		_, there := seen[kept.Path]
		if !there && slices.Contains(f.o.Dirs, filepath.Dir(kept.Path)) {
			f.files[kept.Path] = &file{id: kept.ID, missing: time.Unix(0, 0)}
		}
	}
}

// settle reads the files that did not change for a while, in the order of their
// paths, so that of two with one id the same wins each time.
func (f *Follower) settle(ctx context.Context, seen map[string]stamp) {
	now := f.now()
	var ready []string
	for path, known := range f.files {
		if _, there := seen[path]; there && known.pending && now.Sub(known.changed) >= f.o.timing.settle {
			ready = append(ready, path)
		}
	}
	slices.Sort(ready)
	for _, path := range ready {
		if ctx.Err() != nil {
			return
		}
		known := f.files[path]
		known.pending = false
		err := f.read(ctx, known.id, path)
		if known.refused = err != nil; err != nil {
			f.o.Log.Error("tenant refused", "tenant", known.id, "file", path, "error", err.Error())
		}
	}
}

// read applies one file, or has its last good document serve.
func (f *Follower) read(ctx context.Context, id, path string) error {
	if err := config.ValidTenantID(id); err != nil {
		return err
	}
	doc, src, err := readFile(path)
	if err == nil {
		err = f.o.Target.Apply(ctx, id, path, doc)
	}
	if errors.Is(err, ErrTaken) {
		return err // the id is another source's: nothing is noted under it
	}
	if err == nil {
		if err := f.o.Store.put(kept{ID: id, Path: path, Source: src}); err != nil {
			f.o.Log.Warn("the last good settings are not kept", "tenant", id, "error", err)
		}
		f.o.Log.Info("tenant applied", "tenant", id, "file", path)
		return nil
	}
	f.restore(ctx, id, path)
	f.o.Target.Refuse(id, path, err)
	return err
}

// ErrTaken is in the chain of Apply's error when the id belongs to another source.
var ErrTaken = errors.New("the id is taken")

// restore has the last good document serve, if there is one and none does.
func (f *Follower) restore(ctx context.Context, id, path string) {
	k, ok := f.o.Store.get(id)
	if !ok || k.Path != path {
		return
	}
	doc, err := parse(path, k.Source)
	if err == nil {
		err = f.o.Target.Apply(ctx, id, path, doc)
	}
	if err != nil {
		f.o.Log.Warn("the last good settings do not serve any more", "tenant", id, "error", err)
	}
}

func readFile(path string) (*config.Document, []byte, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	doc, err := parse(path, src)
	return doc, src, err
}

func parse(path string, src []byte) (*config.Document, error) {
	switch filepath.Ext(path) {
	case ".hcl":
		return config.ParseHCL(path, src)
	case ".json":
		return config.ParseJSON(path, src)
	case ".yaml", ".yml":
		return config.ParseYAML(path, src)
	}
	return nil, fs.ErrInvalid // unreachable: look lists no other
}
