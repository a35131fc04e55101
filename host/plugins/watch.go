package plugins

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// folderWatch notices changes in plugin folders and rescans when they settle. The
// system tells of most changes at once; a look every now and then finds the others: in
// folders that came later or were replaced, in files that are links, and all of them
// where the system has no watch to give.
type folderWatch struct {
	m       *Manager
	watcher *fsnotify.Watcher // nil: there is none to be had
	events  chan fsnotify.Event
	errors  chan error
	seen    string // what the last look saw
	closing chan struct{}
	done    chan struct{}
}

// watchFolders watches; what it sees is acted on once run runs.
func watchFolders(m *Manager) *folderWatch {
	f := &folderWatch{m: m, closing: make(chan struct{}), done: make(chan struct{})}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		m.log.Warn("plugin folders are not watched, only looked at", "every", m.timing.lookEvery, "error", err)
	} else {
		f.watcher, f.events, f.errors = w, w.Events, w.Errors
	}
	f.add()
	f.seen = f.look()
	return f
}

// add watches the folders; one that is watched already stays so.
func (f *folderWatch) add() {
	if f.watcher == nil {
		return
	}
	for _, dir := range f.m.opts.Dirs {
		if err := f.watcher.Add(dir); err != nil {
			f.m.log.Debug("plugin folder is not watched", "dir", dir, "error", err)
		}
	}
}

// look describes the folders and all in them that matters, so that two looks differ
// if something may have changed between.
func (f *folderWatch) look() string {
	var all strings.Builder
	note := func(path string) {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintf(&all, "%s %v %s\n", path, stampOf(info), info.Mode())
		} else {
			fmt.Fprintf(&all, "%s is not there\n", path)
		}
	}
	for _, dir := range f.m.opts.Dirs {
		note(dir)
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if e.Name() == lockFileName || fileName.MatchString(e.Name()) {
				note(filepath.Join(dir, e.Name()))
			}
		}
	}
	return all.String()
}

func (f *folderWatch) run() {
	defer close(f.done)
	// A copy is many events: wait until there were none for a while.
	settled := time.NewTimer(time.Hour)
	settled.Stop()
	defer settled.Stop()
	next := time.NewTicker(f.m.timing.lookEvery)
	defer next.Stop()
	for {
		select {
		case <-f.closing:
			return
		case e, ok := <-f.events:
			if !ok {
				f.events = nil // looks go on
				continue
			}
			f.m.log.Trace("plugin folder", "event", e.String()) // chmod matters too
			settled.Reset(f.m.timing.debounce)
		case err, ok := <-f.errors:
			if !ok {
				f.errors = nil
				continue
			}
			// Events were lost, so anything may have changed.
			f.m.log.Warn("watching plugin folders", "error", err)
			settled.Reset(f.m.timing.debounce)
		case <-next.C:
			if now := f.look(); now != f.seen || f.m.unsure.Load() {
				f.seen = now
				settled.Reset(f.m.timing.debounce)
			}
		case <-settled.C:
			_ = f.m.rescan(false) // logged there
		}
	}
}

func (f *folderWatch) close() {
	close(f.closing)
	if f.watcher != nil {
		if err := f.watcher.Close(); err != nil {
			f.m.log.Debug("closing the watch of plugin folders", "error", err)
		}
	}
	<-f.done
}
