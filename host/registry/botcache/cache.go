package botcache

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Built is a bot and what frees its parts.
type Built struct {
	Bot *bot.Bot
	// Release frees the bot's parts. It is called once, without the lock. It may be nil.
	Release func()
	// Stale reports whether a secret that the bot was built with has changed since. It is
	// called without the lock, and may read files. Nil means never.
	Stale func() bool
}

// Options are what a Cache is made with.
type Options struct {
	Lock         *sync.Mutex      // of the owner; guards the Cache
	TTL          time.Duration    // how long a bot is lent from the cache
	Size         int              // how many bots are cached at most
	BuildTimeout time.Duration    // bounds one build
	Now          func() time.Time // the clock
}

// Cache is an LRU of bots with a time to live. See the package for its lock.
type Cache struct {
	o        Options
	mu       *sync.Mutex
	bots     *simplelru.LRU[string, *entry]
	builds   map[string]*Build   // the newest build of an id that is at work
	failures map[string]*failure // of ids whose newest build failed
	closed   bool
	live     int           // builds at work, and bots that are not freed
	idle     chan struct{} // closed when closed is true and live is 0

	work   sync.WaitGroup // builds and releases
	ctx    context.Context
	cancel context.CancelFunc
}

// entry is a bot in the cache or, evicted, in the hands of its last leases.
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

// GetLocked returns a lease of the cached bot of an id. It is nil if none is cached, or its
// time is over. Locked: the owner's lock is held.
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

// ForgetLocked drops all that is known of an id: its cached bot, why it could not be built,
// and a build that is at work. That build goes on for those who wait for it, and its bot is
// not cached. Call it when what the bot is built from has changed. Locked: the owner's lock
// is held.
func (c *Cache) ForgetLocked(id string) {
	delete(c.builds, id)
	delete(c.failures, id)
	c.bots.Remove(id)
}

// KnowsLocked reports whether the cache has a bot of the id, builds one, or knows why none
// could be built. Locked: the owner's lock is held.
func (c *Cache) KnowsLocked(id string) bool {
	return c.builds[id] != nil || c.failures[id] != nil || c.bots.Contains(id)
}

// BuildingLocked reports whether the newest build of the id is at work. Locked: the owner's
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
	Turns     int // at work
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
