package tenantdir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/botyard/botyard/host/readfile"
	"github.com/fsnotify/fsnotify"
)

// watcher watches folders with fsnotify, as far as the operating system supports it. A watch
// belongs to a folder, not to its path. When a path begins to name another folder, for example
// after a rename or a mount, no event comes. renew detects such a change. Only one goroutine
// may use a watcher.
type watcher struct {
	open    func() (*fsnotify.Watcher, error)
	w       *fsnotify.Watcher      // nil if the operating system could not create one
	watched map[string]fs.FileInfo // by path: the folder that the path named when the watch began
}

// renew begins to watch the folders that are not watched, and the folders whose path names
// another folder now. changed reports whether the set of watched folders has changed. The error
// says which folders are not watched.
func (w *watcher) renew(ctx context.Context, dirs []string) (changed bool, err error) {
	if w.w == nil {
		if w.w, err = w.open(); err != nil {
			w.w = nil
			return false, err
		}
		w.watched = map[string]fs.FileInfo{}
	}
	watched := w.w.WatchList()
	var errs []error
	for _, dir := range dirs {
		// If the folder is replaced between Stat and Add, the next renew detects it.
		now, err := readfile.Bounded(ctx, dir, func() (fs.FileInfo, error) { return os.Stat(dir) })
		was, on := w.watched[dir]
		// A new folder may have the inode of a removed folder. So it is also checked that the
		// watch still exists.
		if err == nil && on && os.SameFile(was, now) && slices.Contains(watched, filepath.Clean(dir)) {
			continue
		}
		changed = changed || on
		delete(w.watched, dir)
		_ = w.w.Remove(dir) // Remove fails if the folder no longer exists.
		if err == nil {
			underlying := w.w
			_, err = readfile.Bounded(ctx, dir, func() (none struct{}, _ error) { return none, underlying.Add(dir) })
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", dir, err))
			continue
		}
		changed = true
		w.watched[dir] = now
	}
	return changed, errors.Join(errs...)
}

// rewatch makes the next call of renew watch all folders again.
func (w *watcher) rewatch() { clear(w.watched) }

// events returns the channel with the events of the watched folders. Without an
// fsnotify.Watcher it returns nil, a channel that blocks.
func (w *watcher) events() <-chan fsnotify.Event {
	if w.w == nil {
		return nil
	}
	return w.w.Events
}

// failures returns the channel with the errors of watching. An error may mean that events were
// lost. Without an fsnotify.Watcher it returns nil, a channel that blocks.
func (w *watcher) failures() <-chan error {
	if w.w == nil {
		return nil
	}
	return w.w.Errors
}

func (w *watcher) close() {
	if w.w != nil {
		_ = w.w.Close()
	}
}
