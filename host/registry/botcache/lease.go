package botcache

import (
	"sync"

	"github.com/botyard/botyard/host/bot"
)

// Lease is a bot in use. Release it when its turn has ended.
type Lease struct {
	*bot.Bot
	// Cached is true when the bot was ready when it was asked for.
	Cached bool

	cache *Cache
	entry *entry
	once  sync.Once
}

// Release gives the bot back. Further calls do nothing.
func (l *Lease) Release() {
	l.once.Do(func() {
		l.cache.mu.Lock()
		defer l.cache.mu.Unlock()
		l.cache.endLeaseLocked(l.entry)
	})
}

// endLeaseLocked counts a lease out, and frees the bot after the last one if it is not
// cached. Locked: the owner's lock is held.
func (c *Cache) endLeaseLocked(e *entry) {
	e.leases--
	if e.evicted && e.leases == 0 {
		c.freeLocked(e)
	}
}

// evictedLocked marks a bot that left the cache, and frees it if nobody uses it. Locked: the
// owner's lock is held.
func (c *Cache) evictedLocked(e *entry) {
	e.evicted = true
	if e.leases == 0 {
		c.freeLocked(e)
	}
}

// freeLocked frees the bot's parts in the background. Locked: the owner's lock is held.
func (c *Cache) freeLocked(e *entry) {
	c.work.Go(func() {
		if e.built.Release != nil {
			e.built.Release()
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.live--
		c.signalIdleLocked()
	})
}
