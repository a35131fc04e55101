package botcache

import (
	"context"
	"errors"

	"github.com/botyard/botyard/sdk/fault"
)

// Build is one build of a bot, with all who wait for it. It is a flight of our own and not
// one of x/sync/singleflight, for it has to begin and to count who waits under the owner's
// lock: a bot that nobody waits for any more is freed, and never one that somebody gets.
type Build struct {
	cache   *Cache
	done    chan struct{}
	waiters int    // guarded by the owner's lock
	entry   *entry // set before done is closed, unless err is
	err     error  // set before done is closed
}

// Inconclusive is the error of a build that says nothing about what the bot is built from.
// The cache takes no failure down for it.
type Inconclusive struct{ Err error }

func (e *Inconclusive) Error() string { return e.Err.Error() }
func (e *Inconclusive) Unwrap() error { return e.Err }

// BuildLocked joins the build of the id's bot that is at work, or begins one by calling
// build in the background. The caller counts as waiting from now on: it calls Wait once it
// has given the lock back. The build goes on if all who wait leave. Its ctx ends with
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

// endBuildLocked takes what a build came to. The bot of a build that is not the newest of
// its id any more serves those who wait for it, and is not cached. Locked: the owner's lock
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
	// Those who wait use it from now on, so that it is not freed before they have it.
	c.live++
	b.entry = &entry{built: built, expires: c.o.Now().Add(c.o.TTL), leases: b.waiters}
	if newest && !c.closed {
		c.bots.Add(id, b.entry)
	} else {
		c.evictedLocked(b.entry)
	}
}

// conclusion returns what is in an Inconclusive, and any other error as it is.
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

// leave takes back a wait.
func (b *Build) leave() {
	b.cache.mu.Lock()
	defer b.cache.mu.Unlock()
	b.waiters--
	if b.entry != nil {
		b.cache.endLeaseLocked(b.entry)
	}
}
