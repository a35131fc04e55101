package botcache

import (
	"sync"

	"github.com/botyard/botyard/host/bot"
)

// Lease is a bot in use. Release it when its turn has ended.
type Lease struct {
	*bot.Bot
	// Cached reports whether the bot came from the cache. It is false if the bot was built for
	// this lease.
	Cached bool

	cache *Cache
	entry *entry
	once  sync.Once
}

// Release ends the lease. Further calls do nothing.
func (l *Lease) Release() {
	l.once.Do(func() {
		l.cache.mu.Lock()
		defer l.cache.mu.Unlock()
		l.cache.endLeaseLocked(l.entry)
	})
}

// endLeaseLocked ends a lease. If that was the last lease of an evicted bot, endLeaseLocked
// frees the bot. Locked: the owner's lock is held.
func (c *Cache) endLeaseLocked(e *entry) {
	e.leases--
	if e.evicted && e.leases == 0 {
		c.freeLocked(e)
	}
}

// evictedLocked marks a bot as evicted. If the bot has no lease, evictedLocked frees the bot.
// Locked: the owner's lock is held.
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
