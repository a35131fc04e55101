package tenantstore

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/poll"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

const (
	// maxAge is how long after a poll what is known counts as fresh. With the time that a
	// poll takes, a changed tenant is not served for longer than a second.
	maxAge = 900 * time.Millisecond
	// pollEvery is the time between two polls. It is a third of maxAge, so that two polls
	// in a row may be slow.
	pollEvery = 300 * time.Millisecond
	// pollTimeout bounds one poll of Run.
	pollTimeout = 5 * time.Second
	// pageSize is how many changes are asked for at once.
	pageSize = 500
	// watchPause is the time before a watch that ended is begun again.
	watchPause = 2 * time.Second
)

// Fresh reports whether all changes that are more than a second old are known.
func (s *Store) Fresh() bool {
	at := s.fresh.Load()
	return at != 0 && s.o.now().Sub(s.start)-time.Duration(at) < maxAge
}

// EnsureFresh returns when what is known is fresh. It polls if it is not. Its errors are
// those of the storage, and of ctx.
func (s *Store) EnsureFresh(ctx context.Context) error {
	if s.Fresh() {
		return nil
	}
	return s.poll(ctx, s.Fresh)
}

// Lag returns how long ago the last poll was, or that this Store was made if there was
// none. It also returns how many changes the storage has that were not passed on yet.
func (s *Store) Lag() (age time.Duration, changes int64) {
	age = s.o.now().Sub(s.start) - time.Duration(s.fresh.Load())
	return max(0, age), max(0, s.head.Load()-s.known.Load())
}

// Empty reports whether the storage was seen to have no registration at all.
func (s *Store) Empty() bool { return s.fresh.Load() != 0 && s.head.Load() == 0 }

// poll asks the storage for the changes since the last poll and passes them to Changed.
//
// Polls come one after the other, for they share position. Whoever has waited for another
// caller's poll calls needless first, and is done if that is true. Each caller polls under
// its own ctx, so a caller that leaves ends nobody else's poll: this is why they share a
// semaphore and not one flight.
func (s *Store) poll(ctx context.Context, needless func() bool) error {
	select {
	case s.polling <- struct{}{}:
		defer func() { <-s.polling }()
	case <-ctx.Done():
		return fault.Of(context.Cause(ctx))
	}
	if needless() {
		return nil
	}
	asked := s.o.now().Sub(s.start)
	limit := pageSize
	if s.position < 0 {
		limit = 0 // nothing was read yet, so that no change matters
	}
	for {
		page, err := s.o.Storage().TenantChanges(ctx, max(s.position, 0), limit)
		if err != nil {
			return err
		}
		s.head.Store(page.Head)
		switch {
		case page.Head < s.position:
			// The storage is another one, or was set back to an older state.
			s.o.Log.Warn("the registry's history is shorter than it was: everything is read again", "position", s.position, "head", page.Head)
			s.position = page.Head
			s.ownSettingsSince.Store(0)
			s.o.Changed(nil)
		case limit == 0:
			s.position = page.Head
		case len(page.Changes) > 0:
			s.o.Changed(page.Changes)
			s.position = page.Changes[len(page.Changes)-1].Position
		}
		if !page.More || limit == 0 {
			break
		}
	}
	s.known.Store(s.position)
	s.fresh.Store(int64(asked))
	return nil
}

// Run polls for changes until ctx ends. Call it once.
func (s *Store) Run(ctx context.Context) {
	var watching sync.WaitGroup
	defer watching.Wait()
	watching.Go(func() { s.watch(ctx) })
	failing := false
	once := func() {
		call, cancel := context.WithTimeout(ctx, pollTimeout)
		err := s.poll(call, func() bool { return false })
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			s.o.Log.Error("the registry of tenants does not answer: tenants that are registered there are not served until it does", "error", err)
		case err == nil && failing:
			s.o.Log.Info("the registry of tenants answers again")
		}
		failing = err != nil
	}
	once()
	poll.Every(ctx, pollEvery, s.wake, once)
}

// wakeUp has Run poll at once.
func (s *Store) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default: // Run will poll anyway
	}
}

// watch turns the storage's notices of changes into polls, until ctx ends. A storage that
// gives no notices is only polled.
func (s *Store) watch(ctx context.Context) {
	for {
		err := s.watchOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case fault.Is(err, fault.Invalid):
			s.o.Log.Warn("the registry gives no notice of changes; it is asked for them", "every", pollEvery, "reason", err)
			return
		}
		s.o.Log.Debug("the watch of the registry ended", "error", err)
		timer := time.NewTimer(watchPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// watchOnce is one watch of the storage that there is now. It ends with the watch, with
// ctx, or with Rewatch.
func (s *Store) watchOnce(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s.watchMu.Lock()
	s.stopWatch = stop
	s.watchMu.Unlock()
	w, ok := s.o.Storage().(storage.TenantWatcher)
	if !ok {
		return fault.New(fault.Invalid, "the storage gives none")
	}
	return w.WatchTenants(ctx, func() error {
		s.wakeUp()
		return nil
	})
}

// Rewatch ends the watch of the storage that there was before. Call it when
// Options.Storage returns another storage, before the old one is closed.
func (s *Store) Rewatch() {
	s.watchMu.Lock()
	defer s.watchMu.Unlock()
	if s.stopWatch != nil {
		s.stopWatch()
	}
}
