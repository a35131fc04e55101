package plugins

import (
	"time"

	"github.com/fsnotify/fsnotify"
)

// folderWatch notices changes in plugin folders and rescans when they settle.
type folderWatch struct {
	m       *Manager
	watcher *fsnotify.Watcher
	done    chan struct{}
}

// watchFolders watches; what it sees is acted on once run runs. Without it, plugins
// are still found by Rescan.
func watchFolders(m *Manager) *folderWatch {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		m.log.Warn("plugin folders are not watched", "error", err)
		return nil
	}
	f := &folderWatch{m: m, watcher: w, done: make(chan struct{})}
	f.add()
	return f
}

// add watches the folders; one that is watched already stays so.
func (f *folderWatch) add() {
	if f == nil {
		return
	}
	for _, dir := range f.m.opts.Dirs {
		if err := f.watcher.Add(dir); err != nil {
			f.m.log.Debug("plugin folder is not watched", "dir", dir, "error", err)
		}
	}
}

func (f *folderWatch) run() {
	defer close(f.done)
	// A copy is many events: wait until there were none for a while.
	settled := time.NewTimer(time.Hour)
	settled.Stop()
	defer settled.Stop()
	for {
		select {
		case e, ok := <-f.watcher.Events:
			if !ok {
				return
			}
			f.m.log.Trace("plugin folder", "event", e.String()) // chmod matters too
			settled.Reset(f.m.timing.debounce)
		case err, ok := <-f.watcher.Errors:
			if !ok {
				return
			}
			// Events were lost, so anything may have changed.
			f.m.log.Warn("watching plugin folders", "error", err)
			settled.Reset(f.m.timing.debounce)
		case <-settled.C:
			_ = f.m.rescan(false) // logged there
		}
	}
}

func (f *folderWatch) close() {
	if f == nil {
		return
	}
	if err := f.watcher.Close(); err != nil {
		f.m.log.Debug("closing the watch of plugin folders", "error", err)
	}
	<-f.done
}
