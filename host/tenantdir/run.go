package tenantdir

import (
	"context"
	"time"
)

// Run follows the folders until ctx ends. Folders are watched; where that does not
// work they are looked at twice a second, as are folders of links.
func (f *Follower) Run(ctx context.Context) {
	if len(f.o.Dirs) == 0 {
		return
	}
	w := &watch{open: f.o.watcher}
	defer w.close()
	defer f.jobs.Wait()
	watched, _ := f.renew(ctx, w, true)
	check := time.NewTicker(f.o.timing.poll)
	defer check.Stop()
	next := time.NewTimer(0)
	defer next.Stop()
	var (
		due   time.Time     // when everything is to be looked at
		ended time.Time     // when that was done last
		took  time.Duration // and how long it took
		left  outlook
	)
	// soon has everything looked at, in a fifth of the time at most: a tenant that
	// changes all the time is no reason to do nothing else.
	soon := func() {
		due = ended.Add(4 * took)
		next.Reset(time.Until(due))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.events():
			drain(w)
			soon()
			continue
		case err := <-w.failures():
			f.o.Log.Warn("watching tenant folders", "error", err)
			w.forget()
			soon() // events may have been lost
			continue
		case <-f.again:
			soon()
			continue
		case <-check.C:
			var changed bool
			if watched, changed = f.renew(ctx, w, watched); changed {
				soon()
			}
			continue
		case <-next.C:
		}
		if time.Now().Before(due) {
			left.pending = f.glance(ctx)
		} else {
			began := time.Now()
			left = f.scan(ctx)
			ended = time.Now()
			took = ended.Sub(began)
			wait := f.o.timing.watch
			if !watched || left.linked {
				wait = f.o.timing.poll
			}
			if left.leaving {
				wait = f.o.timing.settle / 3
			}
			// Looking takes a twentieth of the time at most, however many files there are.
			due = ended.Add(max(wait, 20*took))
		}
		wait := time.Until(due)
		if left.pending {
			wait = min(wait, f.o.timing.settle/3)
		}
		next.Reset(wait)
	}
}

// renew has the folders watched that are not, or not any more. It answers whether all
// are and whether something is to be looked at for it.
func (f *Follower) renew(ctx context.Context, w *watch, before bool) (watched, changed bool) {
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

// drain makes one of a burst of events.
func drain(w *watch) {
	for {
		select {
		case <-w.events():
		default:
			return
		}
	}
}
