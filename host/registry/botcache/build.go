package botcache

import (
	"context"
	"errors"

	"github.com/botyard/botyard/sdk/fault"
)

// Build is one build of a bot. Several callers may wait for it. Build does not use
// x/sync/singleflight, because a build must begin and count its waiters under the owner's lock.
// The count tells whether a bot that is not cached can be freed.
type Build struct {
	cache   *Cache
	done    chan struct{}
	waiters int    // number of callers that wait; guarded by the owner's lock
	entry   *entry // set before done is closed, if the build succeeded
	err     error  // set before done is closed, if the build failed
}

// Inconclusive is the error of a build that failed for a reason outside of the bot's settings,
// such as a tenant store that does not answer. The Cache does not record such an error as a
// failure of the bot.
type Inconclusive struct{ Err error }

func (e *Inconclusive) Error() string { return e.Err.Error() }
func (e *Inconclusive) Unwrap() error { return e.Err }

// BuildLocked joins the running build of the id's bot. If there is none, BuildLocked begins one
// by calling build in the background. The caller must call Wait after it has released the lock,
// because it counts as a waiter. The build continues even if all waiters leave. The build's ctx
// ends after Options.BuildTimeout, or when ShutLocked is called. Locked: the owner's lock is
// held.
func (c *Cache) BuildLocked(id string, build func(ctx context.Context) (Built, error)) *Build {
	b := c.builds[id]
	if b == nil {
		b = &Build{cache: c, done: make(chan struct{})}
		c.builds[id] = b
		c.live++ // counts the running build
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

// endBuildLocked records the result of a build and caches its bot. If ForgetLocked has removed
// the build, its waiters still get the bot, but the bot is not cached. Locked: the owner's lock
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
	// Each waiter has a lease from now on, so that the bot is not freed before its Wait
	// returns.
	c.live++
	b.entry = &entry{built: built, expires: c.o.Now().Add(c.o.TTL), leases: b.waiters}
	if newest && !c.closed {
		c.bots.Add(id, b.entry)
	} else {
		c.evictedLocked(b.entry)
	}
}

// conclusion returns the error inside an Inconclusive. It returns any other error unchanged.
func conclusion(err error) error {
	var i *Inconclusive
	if errors.As(err, &i) {
		return i.Err
	}
	return err
}

// Wait returns a lease of the bot when the build has ended. The error is the error of the
// build, or the cause of ctx's end. Call Wait once after each BuildLocked.
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

// leave ends the wait of a caller that does not take a lease.
func (b *Build) leave() {
	b.cache.mu.Lock()
	defer b.cache.mu.Unlock()
	b.waiters--
	if b.entry != nil {
		b.cache.endLeaseLocked(b.entry)
	}
}
