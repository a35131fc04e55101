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

// watch has folders watched as far as that can be had. What is watched is a folder,
// not a path: when a path comes to lead to another folder (moved away and made anew,
// a link that was turned, a mount) nothing tells of it, and renew finds out.
type watch struct {
	open func() (*fsnotify.Watcher, error)
	w    *fsnotify.Watcher      // nil while none can be had
	on   map[string]fs.FileInfo // by folder: what its path led to when it was watched
}

// renew watches what is not, or not any more. It answers whether a folder is now
// watched that was not, or the other way round, and why some are not.
func (w *watch) renew(ctx context.Context, dirs []string) (changed bool, err error) {
	if w.w == nil {
		if w.w, err = w.open(); err != nil {
			w.w = nil
			return false, err
		}
		w.on = map[string]fs.FileInfo{}
	}
	watched := w.w.WatchList()
	var errs []error
	for _, dir := range dirs {
		// Looked at before it is watched: what comes in between is found the next time.
		now, err := readfile.Bounded(ctx, dir, func() (fs.FileInfo, error) { return os.Stat(dir) })
		was, on := w.on[dir]
		// A folder that was made anew may have the number of the one that was removed.
		if err == nil && on && os.SameFile(was, now) && slices.Contains(watched, filepath.Clean(dir)) {
			continue
		}
		changed = changed || on
		delete(w.on, dir)
		_ = w.w.Remove(dir) // which is an error if the folder was removed
		if err == nil {
			watcher := w.w
			_, err = readfile.Bounded(ctx, dir, func() (none struct{}, _ error) { return none, watcher.Add(dir) })
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", dir, err))
			continue
		}
		changed = true
		w.on[dir] = now
	}
	return changed, errors.Join(errs...)
}

// forget has the next renew watch everything anew.
func (w *watch) forget() { clear(w.on) }

func (w *watch) events() <-chan fsnotify.Event {
	if w.w == nil {
		return nil
	}
	return w.w.Events
}

func (w *watch) failures() <-chan error {
	if w.w == nil {
		return nil
	}
	return w.w.Errors
}

func (w *watch) close() {
	if w.w != nil {
		_ = w.w.Close()
	}
}
