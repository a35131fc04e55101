package botcache

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// freeGrace is how long Drain still waits for the release of unused bots after its ctx has
// ended.
const freeGrace = time.Second

// ShutLocked empties the cache and cancels running builds. Nothing is cached from then on. The
// owner must not begin a build afterwards. Locked: the owner's lock is held.
func (c *Cache) ShutLocked() {
	c.closed = true
	c.bots.Purge()
	c.signalIdleLocked()
	c.cancel()
}

// Drain waits until all bots are freed, or ctx ends. Call it after ShutLocked. Bots that
// are still in use when ctx ends are not freed: the error is fault.Deadline.
func (c *Cache) Drain(ctx context.Context) error {
	select {
	case <-c.idle:
		c.work.Wait()
		return nil
	case <-ctx.Done():
	}
	// No time is left for running turns, but bots that nobody uses are still being freed.
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

// signalIdleLocked closes idle when nothing is left to wait for. Locked: the owner's lock is
// held.
func (c *Cache) signalIdleLocked() {
	if c.closed && c.live == 0 {
		select {
		case <-c.idle:
		default:
			close(c.idle)
		}
	}
}
