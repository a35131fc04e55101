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
	// maxAge is how long after a poll the Store counts as fresh. With the time that a poll
	// takes, the settings from before a change are served for at most a second.
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

// EnsureFresh returns when Fresh reports true, and polls if necessary. Its errors are those of
// the storage, and of ctx.
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

// Empty reports whether the last poll found no registration at all in the storage.
func (s *Store) Empty() bool { return s.fresh.Load() != 0 && s.head.Load() == 0 }

// poll asks the storage for the changes since the last poll and passes them to Changed.
//
// Polls run one after another, because they share position. A caller that has waited for another
// poll calls needless first, and does not poll if that reports true. Each caller polls under its
// own ctx, so that a caller that leaves does not end another caller's poll. That is why callers
// share a semaphore, and not one poll as with x/sync/singleflight.
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

// wakeUp makes Run poll at once. It does not wait.
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

// watchOnce watches the storage that Options.Storage returns now. It returns when the watch
// fails, when ctx ends, or when Rewatch is called.
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

// Rewatch ends the running watch, so that Run watches the storage that Options.Storage returns
// now. Call it when that is another storage than before, and before the old one is closed.
func (s *Store) Rewatch() {
	s.watchMu.Lock()
	defer s.watchMu.Unlock()
	if s.stopWatch != nil {
		s.stopWatch()
	}
}
