package tenantdir

import (
	"context"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Run follows the folders until ctx ends. Folders are watched; where that does not
// work they are looked at every second.
func (f *Follower) Run(ctx context.Context) {
	if len(f.o.Dirs) == 0 {
		return
	}
	every := f.o.timing.watch
	var events chan fsnotify.Event
	var failures chan error
	w, err := fsnotify.NewWatcher()
	if err == nil {
		defer func() { _ = w.Close() }()
		events, failures = w.Events, w.Errors
		for _, dir := range f.o.Dirs {
			if err = w.Add(dir); err != nil {
				break
			}
		}
	}
	if err != nil {
		f.o.Log.Warn("tenant folders are not watched, and looked at instead", "every", f.o.timing.poll, "error", err)
		every = f.o.timing.poll
	}
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			next.Reset(0)
			// One look for a burst of events.
			for drained := false; !drained; {
				select {
				case <-events:
				default:
					drained = true
				}
			}
			continue
		case <-f.again:
			next.Reset(0)
			continue
		case err := <-failures:
			f.o.Log.Warn("watching tenant folders", "error", err)
			every = f.o.timing.poll // events may have been lost
			next.Reset(0)
			continue
		case <-next.C:
		}
		began := time.Now()
		soon := f.scan(ctx)
		wait := every
		if soon {
			wait = f.o.timing.settle / 3
		}
		// Looking takes a twentieth of the time at most, however many files there are.
		next.Reset(max(wait, 20*time.Since(began)))
	}
}
