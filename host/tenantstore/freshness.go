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
	// maxAge is how long after a poll the Store counts as fresh. A host may use outdated
	// settings for maxAge and the duration of a poll, which is a second at most.
	maxAge = 900 * time.Millisecond
	// pollEvery is the time between two polls. It is a third of maxAge, so that a Store stays
	// fresh if two polls in a row are slow.
	pollEvery = 300 * time.Millisecond
	// pollTimeout bounds one poll of Run.
	pollTimeout = 5 * time.Second
	// pageSize is how many changes one call of the storage returns at most.
	pageSize = 500
	// watchPause is the pause between the end of a watch and the next watch.
	watchPause = 2 * time.Second
)

// Fresh reports whether the Store knows all changes that are more than a second old.
func (s *Store) Fresh() bool {
	at := s.fresh.Load()
	return at != 0 && s.o.now().Sub(s.start)-time.Duration(at) < maxAge
}

// EnsureFresh polls the storage if Fresh reports false. After EnsureFresh has returned nil,
// Fresh reports true for a while. EnsureFresh returns the errors of the storage and of ctx.
func (s *Store) EnsureFresh(ctx context.Context) error {
	if s.Fresh() {
		return nil
	}
	return s.poll(ctx, s.Fresh)
}

// Lag returns the time since the last poll, or since New if there was no poll. It also returns
// how many changes the last poll found that are not passed to Options.Changed yet.
func (s *Store) Lag() (age time.Duration, changes int64) {
	age = s.o.now().Sub(s.start) - time.Duration(s.fresh.Load())
	return max(0, age), max(0, s.head.Load()-s.known.Load())
}

// Empty reports whether the last poll found no registrations in the storage.
func (s *Store) Empty() bool { return s.fresh.Load() != 0 && s.head.Load() == 0 }

// poll asks the storage for the changes since the last poll, and passes them to
// Options.Changed.
//
// Polls run one after another, because they share the field position. A caller that has waited
// for the poll of another caller calls needless, and returns without a poll if needless reports
// true. Each poll uses the ctx of its own caller, so that a canceled caller does not end the
// poll of another caller. This is why callers share a semaphore and not one call of
// x/sync/singleflight.
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
		limit = 0 // Before the first poll no caller has read data, so only the newest position matters.
	}
	for {
		page, err := s.o.Storage().TenantChanges(ctx, max(s.position, 0), limit)
		if err != nil {
			return err
		}
		s.head.Store(page.Head)
		switch {
		case page.Head < s.position:
			// The storage was replaced by another storage, or was restored to an older state.
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

// Run polls for changes until ctx ends. It may be called once.
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

// wakeUp makes Run poll at once. It returns without waiting for the poll.
func (s *Store) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default: // Run has a request for a poll already
	}
}

// watch makes Run poll at each notice of a change from the storage, until ctx ends. If the
// storage sends no notices, watch returns, and Run polls every pollEvery.
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
// now. A caller calls Rewatch when Options.Storage returns another storage, before it closes
// the old storage.
func (s *Store) Rewatch() {
	s.watchMu.Lock()
	defer s.watchMu.Unlock()
	if s.stopWatch != nil {
		s.stopWatch()
	}
}
