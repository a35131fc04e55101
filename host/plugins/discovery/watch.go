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

// WatchOptions configures a FolderWatch. All fields are required.
type WatchOptions struct {
	Dirs []string
	Log  hclog.Logger
	// Debounce is how long the folders must stay unchanged before the watch calls Rescan.
	// The copying of a single file causes many events.
	Debounce time.Duration
	// PollEvery is the time between two polls of the folders.
	PollEvery time.Duration
	// PollOnly turns off the file system's events, so that only polls notice changes.
	PollOnly bool
	// Rescan is called when the folders changed. Rescan may call AddFolders.
	Rescan func()
	// IsIncomplete reports whether the last scan could not read a file or folder. If so,
	// the watch calls Rescan after the next poll, even if the poll sees no change.
	IsIncomplete func() bool
}

// FolderWatch notices changes in plugin folders. File system events report most changes at
// once. A poll finds the remaining changes: changes in folders that were created or
// replaced after the watch began, changes of the targets of symbolic links, and all changes
// on a system without file system events.
type FolderWatch struct {
	opts    WatchOptions
	watcher *fsnotify.Watcher // nil on a system without file system events, or with PollOnly
	events  chan fsnotify.Event
	errors  chan error
	polled  string // the result of the last poll
	closing chan struct{}
	done    chan struct{}
}

// NewFolderWatch begins to watch the folders. Run handles all changes that happen after
// NewFolderWatch has returned. The caller must call Close.
func NewFolderWatch(o WatchOptions) *FolderWatch {
	f := &FolderWatch{opts: o, closing: make(chan struct{}), done: make(chan struct{})}
	if !o.PollOnly {
		f.watchEvents()
	}
	f.AddFolders()
	f.polled = f.poll()
	return f
}

// watchEvents starts to receive file system events. It logs a warning if the system does
// not provide them.
func (f *FolderWatch) watchEvents() {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		f.opts.Log.Warn("plugin folders are not watched, only looked at", "every", f.opts.PollEvery, "error", err)
		return
	}
	f.watcher, f.events, f.errors = w, w.Events, w.Errors
}

// AddFolders starts to watch those folders that are not watched yet, because they did not
// exist before.
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

// poll returns a description of the folders, and of all plugin files and lock files in
// them. Two descriptions differ if something may have changed in between.
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

// Run calls Rescan after changes, until Close is called. The caller runs Run once, in a
// goroutine of its own.
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
				f.events = nil // polls still notice changes
				continue
			}
			// all events count, because a chmod may make a file executable
			f.opts.Log.Trace("plugin folder", "event", e.String())
			settled.Reset(f.opts.Debounce)
		case err, ok := <-f.errors:
			if !ok {
				f.errors = nil
				continue
			}
			// The error may mean that events were lost, so the folders are scanned again.
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

// Close stops the watch, and returns after Run has returned.
func (f *FolderWatch) Close() {
	close(f.closing)
	if f.watcher != nil {
		if err := f.watcher.Close(); err != nil {
			f.opts.Log.Debug("closing the watch of plugin folders", "error", err)
		}
	}
	<-f.done
}
