package discovery

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/go-hclog"
)

// WatchOptions configure a FolderWatch. All fields are needed.
type WatchOptions struct {
	Dirs []string
	Log  hclog.Logger
	// Debounce is how long nothing must change before Rescan is called: a copy of a file
	// is many events.
	Debounce time.Duration
	// PollEvery is the time between two polls of the folders.
	PollEvery time.Duration
	// PollOnly has no events of the system used.
	PollOnly bool
	// Rescan is called when the folders changed. It may call AddFolders.
	Rescan func()
	// IsIncomplete reports whether the last scan could not see all. Then Rescan is
	// called at the next poll although nothing changed.
	IsIncomplete func() bool
}

// FolderWatch notices changes in plugin folders. The system tells of most changes at
// once. A poll finds the others: in folders that were made or replaced later, in files
// that are links, and all changes where the system has no watch to give.
type FolderWatch struct {
	opts    WatchOptions
	watcher *fsnotify.Watcher // nil where the system gives none
	events  chan fsnotify.Event
	errors  chan error
	polled  string // what the last poll saw
	closing chan struct{}
	done    chan struct{}
}

// NewFolderWatch begins to watch the folders. Changes from now on are acted on once Run
// runs. Close must be called.
func NewFolderWatch(o WatchOptions) *FolderWatch {
	f := &FolderWatch{opts: o, closing: make(chan struct{}), done: make(chan struct{})}
	if !o.PollOnly {
		f.watchEvents()
	}
	f.AddFolders()
	f.polled = f.poll()
	return f
}

// watchEvents asks the system for events.
func (f *FolderWatch) watchEvents() {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		f.opts.Log.Warn("plugin folders are not watched, only looked at", "every", f.opts.PollEvery, "error", err)
		return
	}
	f.watcher, f.events, f.errors = w, w.Events, w.Errors
}

// AddFolders watches the folders that are not watched yet. A folder may have been made
// since the last time.
func (f *FolderWatch) AddFolders() {
	if f.watcher == nil {
		return
	}
	for _, dir := range f.opts.Dirs {
		if err := f.watcher.Add(dir); err != nil {
			f.opts.Log.Debug("plugin folder is not watched", "dir", dir, "error", err)
		}
	}
}

// poll describes the folders and all plugin files and lock files in them. Two
// descriptions differ if something may have changed between.
func (f *FolderWatch) poll() string {
	var all strings.Builder
	describe := func(path string) {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintf(&all, "%s %v %s\n", path, stampOf(info), info.Mode())
		} else {
			fmt.Fprintf(&all, "%s is not there\n", path)
		}
	}
	for _, dir := range f.opts.Dirs {
		describe(dir)
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if e.Name() == LockFileName || IsPluginFile(e.Name()) {
				describe(filepath.Join(dir, e.Name()))
			}
		}
	}
	return all.String()
}

// Run acts on changes until Close. It is called once, in a goroutine of its own.
func (f *FolderWatch) Run() {
	defer close(f.done)
	settled := time.NewTimer(time.Hour)
	settled.Stop()
	defer settled.Stop()
	polls := time.NewTicker(f.opts.PollEvery)
	defer polls.Stop()
	for {
		select {
		case <-f.closing:
			return
		case e, ok := <-f.events:
			if !ok {
				f.events = nil // polls go on
				continue
			}
			f.opts.Log.Trace("plugin folder", "event", e.String()) // a chmod matters too
			settled.Reset(f.opts.Debounce)
		case err, ok := <-f.errors:
			if !ok {
				f.errors = nil
				continue
			}
			// Events were lost, so anything may have changed.
			f.opts.Log.Warn("watching plugin folders", "error", err)
			settled.Reset(f.opts.Debounce)
		case <-polls.C:
			if now := f.poll(); now != f.polled || f.opts.IsIncomplete() {
				f.polled = now
				settled.Reset(f.opts.Debounce)
			}
		case <-settled.C:
			f.opts.Rescan()
		}
	}
}

// Close stops the watch and returns when Run has returned.
func (f *FolderWatch) Close() {
	close(f.closing)
	if f.watcher != nil {
		if err := f.watcher.Close(); err != nil {
			f.opts.Log.Debug("closing the watch of plugin folders", "error", err)
		}
	}
	<-f.done
}
