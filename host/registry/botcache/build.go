package botcache

import (
	"context"
	"errors"

	"github.com/botyard/botyard/sdk/fault"
)

// Build is one build of a bot, with all who wait for it. It does not use x/sync/singleflight,
// because it has to begin, and to count its waiters, under the owner's lock. By that count a bot
// is freed if nobody waits for it any more, and never while somebody does.
type Build struct {
	cache   *Cache
	done    chan struct{}
	waiters int    // guarded by the owner's lock
	entry   *entry // set before done is closed, unless err is
	err     error  // set before done is closed
}

// Inconclusive is the error of a build that failed for a reason outside of the bot's settings.
// The cache records no failure for it.
type Inconclusive struct{ Err error }

func (e *Inconclusive) Error() string { return e.Err.Error() }
func (e *Inconclusive) Unwrap() error { return e.Err }

// BuildLocked joins the running build of the id's bot, or begins one by calling build in the
// background. The caller counts as waiting from now on, and has to call Wait after it has
// released the lock. The build goes on even if nobody waits any more. Its ctx ends with
// Options.BuildTimeout and with ShutLocked. Locked: the owner's lock is held.
func (c *Cache) BuildLocked(id string, build func(ctx context.Context) (Built, error)) *Build {
	b := c.builds[id]
	if b == nil {
		b = &Build{cache: c, done: make(chan struct{})}
		c.builds[id] = b
		c.live++ // the build itself
		c.work.Go(func() {
			defer close(b.done)
			ctx, cancel := context.WithTimeout(c.ctx, c.o.BuildTimeout)
			defer cancel()
			built, err := build(ctx)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.endBuildLocked(id, b, built, err)
		})
	}
	b.waiters++
	return b
}

// endBuildLocked records the result of a build and caches its bot. If the build is not the newest
// of its id any more, its bot serves those who wait for it, but is not cached. Locked: the owner's lock
// is held.
func (c *Cache) endBuildLocked(id string, b *Build, built Built, err error) {
	defer func() {
		c.live--
		c.signalIdleLocked()
	}()
	newest := c.builds[id] == b
	if newest {
		delete(c.builds, id)
		c.noteResultLocked(id, err)
	}
	if err != nil {
		b.err = fault.Of(conclusion(err))
		return
	}
	// Each waiter holds a lease from now on, so that the bot is not freed before Wait returns it.
	c.live++
	b.entry = &entry{built: built, expires: c.o.Now().Add(c.o.TTL), leases: b.waiters}
	if newest && !c.closed {
		c.bots.Add(id, b.entry)
	} else {
		c.evictedLocked(b.entry)
	}
}

// conclusion returns the error inside an Inconclusive, and any other error as it is.
func conclusion(err error) error {
	var i *Inconclusive
	if errors.As(err, &i) {
		return i.Err
	}
	return err
}

// Wait returns a lease of the bot when it is built. Its error is that of the build, or of
// ctx. Call it once for each BuildLocked.
func (b *Build) Wait(ctx context.Context) (*Lease, error) {
	select {
	case <-b.done:
	case <-ctx.Done():
		b.leave()
		return nil, fault.Of(context.Cause(ctx))
	}
	if b.err != nil {
		return nil, b.err
	}
	return &Lease{Bot: b.entry.built.Bot, cache: b.cache, entry: b.entry}, nil
}

// leave ends a wait without a lease.
func (b *Build) leave() {
	b.cache.mu.Lock()
	defer b.cache.mu.Unlock()
	b.waiters--
	if b.entry != nil {
		b.cache.endLeaseLocked(b.entry)
	}
}
