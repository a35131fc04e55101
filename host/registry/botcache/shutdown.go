package botcache

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// freeGrace is how long after the end of its ctx Drain still waits until unused bots are freed.
const freeGrace = time.Second

// ShutLocked empties the Cache and cancels running builds. From then on the Cache caches no
// bot, and the owner must not begin a build. Locked: the owner's lock is held.
func (c *Cache) ShutLocked() {
	c.closed = true
	c.bots.Purge()
	c.signalIdleLocked()
	c.cancel()
}

// Drain waits until all bots are freed, or ctx ends. Call it after ShutLocked. If bots are
// still in use when ctx ends, they are not freed, and the error is fault.Deadline.
func (c *Cache) Drain(ctx context.Context) error {
	select {
	case <-c.idle:
		c.work.Wait()
		return nil
	case <-ctx.Done():
	}
	// There is no time left for running turns, but unused bots are still being freed.
	last := time.NewTimer(freeGrace)
	defer last.Stop()
	select {
	case <-c.idle:
		c.work.Wait()
		return nil
	case <-last.C:
		return fault.New(fault.Deadline, "turns were still at work: %w", context.Cause(ctx)).By(fault.PartyHost)
	}
}

// signalIdleLocked closes idle when the Cache is closed, no build runs and all bots are freed.
// Locked: the owner's lock is held.
func (c *Cache) signalIdleLocked() {
	if c.closed && c.live == 0 {
		select {
		case <-c.idle:
		default:
			close(c.idle)
		}
	}
}
