package botcache

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Built is a bot with the function that frees its parts.
type Built struct {
	Bot *bot.Bot
	// Release frees the bot's parts. It is called once, without the lock. It may be nil.
	Release func()
	// Stale reports whether a secret that the bot was built with has changed since. It is
	// called without the lock, and may read files. If it is nil, the bot never gets stale.
	Stale func() bool
}

// Options are what a Cache is made with.
type Options struct {
	Lock         *sync.Mutex      // the owner's lock; guards the Cache
	TTL          time.Duration    // how long a bot is lent from the cache
	Size         int              // how many bots are cached at most
	BuildTimeout time.Duration    // bounds one build
	Now          func() time.Time // the clock
}

// Cache is an LRU of bots with a time to live. The package comment explains its lock.
type Cache struct {
	o        Options
	mu       *sync.Mutex
	bots     *simplelru.LRU[string, *entry]
	builds   map[string]*Build   // the newest running build of each id
	failures map[string]*failure // by id; present if the newest build that ended failed
	closed   bool
	live     int           // running builds, and bots that are not freed
	idle     chan struct{} // closed when closed is true and live is 0

	work   sync.WaitGroup // builds and releases
	ctx    context.Context
	cancel context.CancelFunc
}

// entry is a bot that is in the cache or, if evicted, still leased.
type entry struct {
	built   Built
	expires time.Time
	leases  int
	evicted bool
}

// New returns an empty Cache. End it by ShutLocked and Drain.
func New(o Options) (*Cache, error) {
	c := &Cache{o: o, mu: o.Lock, builds: map[string]*Build{}, failures: map[string]*failure{}, idle: make(chan struct{})}
	var err error
	if c.bots, err = simplelru.NewLRU(o.Size, func(_ string, e *entry) { c.evictedLocked(e) }); err != nil {
		return nil, err
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// GetLocked returns a lease of the cached bot of an id. It is nil if none is cached, or if
// the bot's time is over. Locked: the owner's lock is held.
func (c *Cache) GetLocked(id string) *Lease {
	e, ok := c.bots.Get(id)
	if !ok {
		return nil
	}
	if !c.o.Now().Before(e.expires) {
		c.bots.Remove(id)
		return nil
	}
	e.leases++
	return &Lease{Bot: e.built.Bot, Cached: true, cache: c, entry: e}
}

// ForgetLocked drops all that the cache has of an id: its cached bot, its failure, and a running
// build. That build goes on for those who wait for it, but its bot is not cached. Call it when what the bot is built from has changed. Locked: the owner's lock
// is held.
func (c *Cache) ForgetLocked(id string) {
	delete(c.builds, id)
	delete(c.failures, id)
	c.bots.Remove(id)
}

// KnowsLocked reports whether the cache has a bot of the id, is building one, or has a failure
// of it. Locked: the owner's lock is held.
func (c *Cache) KnowsLocked(id string) bool {
	return c.builds[id] != nil || c.failures[id] != nil || c.bots.Contains(id)
}

// BuildingLocked reports whether a build of the id is running that was not forgotten. Locked: the owner's
// lock is held.
func (c *Cache) BuildingLocked(id string) bool { return c.builds[id] != nil }

// ExpireLocked evicts the bots whose time is over. Locked: the owner's lock is held.
func (c *Cache) ExpireLocked(now time.Time) {
	for _, id := range c.bots.Keys() {
		if e, ok := c.bots.Peek(id); ok && now.After(e.expires) {
			c.bots.Remove(id)
		}
	}
}

// Bot describes a cached bot.
type Bot struct {
	Tenant    string
	Revision  string
	ExpiresAt time.Time
	Turns     int // running turns
}

// List returns the cached bots whose time is not over, least recently used first.
func (c *Cache) List() []Bot {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Bot, 0, c.bots.Len())
	for _, id := range c.bots.Keys() {
		e, _ := c.bots.Peek(id)
		if !c.o.Now().Before(e.expires) {
			continue
		}
		out = append(out, Bot{Tenant: id, Revision: e.built.Bot.Revision, ExpiresAt: e.expires, Turns: e.leases})
	}
	return out
}

// LenLocked returns how many bots are cached. Locked: the owner's lock is held.
func (c *Cache) LenLocked() int { return c.bots.Len() }

// Evict drops the cached bot of an id and reports whether there was one.
func (c *Cache) Evict(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bots.Remove(id)
}

// Clear drops all cached bots and returns how many there were.
func (c *Cache) Clear() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.bots.Len()
	c.bots.Purge()
	return n
}
