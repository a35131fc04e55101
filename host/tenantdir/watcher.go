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

// watcher watches folders, as far as the system supports it. A watch belongs to a folder, not to
// its path. If a path names another folder later (the folder was replaced, a link changed,
// something was mounted), no event says so; renew finds out. It is used by one goroutine.
type watcher struct {
	open    func() (*fsnotify.Watcher, error)
	w       *fsnotify.Watcher      // nil if the system could not open one
	watched map[string]fs.FileInfo // by path: the folder that it named when the watch began
}

// renew watches the folders that are not watched, or whose path names another folder now.
// changed reports whether the set of watched folders has changed. The error says
// which folders are not watched.
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
		// A folder that is replaced between this line and Add is found by the next renew.
		now, err := readfile.Bounded(ctx, dir, func() (fs.FileInfo, error) { return os.Stat(dir) })
		was, on := w.watched[dir]
		// A new folder may have the inode of the removed one; its watch is gone then.
		if err == nil && on && os.SameFile(was, now) && slices.Contains(watched, filepath.Clean(dir)) {
			continue
		}
		changed = changed || on
		delete(w.watched, dir)
		_ = w.w.Remove(dir) // an error if the folder does not exist any more
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

// rewatch makes the next renew watch all folders again.
func (w *watcher) rewatch() { clear(w.watched) }

// events returns the events of the watched folders. If there is no
// fsnotify.Watcher it returns nil, which blocks.
func (w *watcher) events() <-chan fsnotify.Event {
	if w.w == nil {
		return nil
	}
	return w.w.Events
}

// failures returns the errors of watching. After one, events may have been lost.
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
