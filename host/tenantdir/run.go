package tenantdir

import (
	"context"
	"time"
)

// Run follows the folders until ctx ends. Before it returns, it waits for files that are being
// applied. Run watches the folders. It scans folders that cannot be watched, and folders with
// links, every timing.poll.
func (f *Follower) Run(ctx context.Context) {
	if len(f.o.Dirs) == 0 {
		return
	}
	w := &watcher{open: f.o.watcher}
	defer w.close()
	defer f.jobs.Wait()
	watched, _ := f.renewWatches(ctx, w, true)
	renew := time.NewTicker(f.o.timing.poll)
	defer renew.Stop()
	next := time.NewTimer(0)
	defer next.Stop()
	var (
		due   time.Time     // when the next scan is due
		ended time.Time     // when the last scan ended
		took  time.Duration // how long the last scan took
		left  scanResult
	)
	// scanSoon moves the next scan forward. Because files may change all the time, it leaves a
	// pause of four times the duration of the last scan.
	scanSoon := func() {
		due = ended.Add(4 * took)
		next.Reset(time.Until(due))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.events():
			drain(w)
			scanSoon()
			continue
		case err := <-w.failures():
			f.o.Log.Warn("watching tenant folders", "error", err)
			w.rewatch()
			scanSoon() // some events may have been lost
			continue
		case <-f.rescan:
			scanSoon()
			continue
		case <-renew.C:
			var changed bool
			if watched, changed = f.renewWatches(ctx, w, watched); changed {
				scanSoon()
			}
			continue
		case <-next.C:
		}
		if time.Now().Before(due) {
			left.pending = f.checkPending(ctx)
		} else {
			began := time.Now()
			left = f.scan(ctx)
			ended = time.Now()
			took = ended.Sub(began)
			wait := f.o.timing.watch
			if !watched || left.linked {
				wait = f.o.timing.poll
			}
			if left.removing {
				wait = f.o.timing.settle / 3
			}
			// Without events, the pause is at least 20 times the duration of the last scan.
			due = ended.Add(max(wait, 20*took))
		}
		wait := time.Until(due)
		if left.pending {
			wait = min(wait, f.o.timing.settle/3)
		}
		next.Reset(wait)
	}
}

// renewWatches watches the folders that are not watched. before is the result watched of the
// last call. watched reports whether all folders are watched now. changed reports whether a
// scan is needed.
func (f *Follower) renewWatches(ctx context.Context, w *watcher, before bool) (watched, changed bool) {
	changed, err := w.renew(ctx, f.o.Dirs)
	watched = err == nil
	switch {
	case before && !watched:
		f.o.Log.Warn("tenant folders are not watched, and looked at instead", "every", f.o.timing.poll, "error", err)
	case watched && !before:
		f.o.Log.Info("tenant folders are watched again")
	}
	return watched, changed || watched != before
}

// drain drops all queued events, because one scan covers a burst of events.
func drain(w *watcher) {
	for {
		select {
		case <-w.events():
		default:
			return
		}
	}
}
