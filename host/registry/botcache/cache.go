package botcache

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Built is a newly built bot with the functions that the Cache calls for it.
type Built struct {
	Bot *bot.Bot
	// Release frees the bot's parts. The Cache calls it once, without the owner's lock. It may
	// be nil.
	Release func()
	// Stale reports whether a secret that the bot was built with has changed after the build.
	// The Cache calls it without the owner's lock, so Stale may read files. If Stale is nil,
	// the bot never becomes stale.
	Stale func() bool
}

// Options configure a Cache.
type Options struct {
	Lock         *sync.Mutex      // the owner's lock, which guards the Cache
	TTL          time.Duration    // how long after its build a cached bot is used
	Size         int              // greatest number of cached bots
	BuildTimeout time.Duration    // greatest duration of one build
	Now          func() time.Time // returns the current time
}

// Cache is an LRU cache of bots with a time to live. The package comment explains its lock.
type Cache struct {
	o        Options
	mu       *sync.Mutex
	bots     *simplelru.LRU[string, *entry]
	builds   map[string]*Build   // newest running build of each id
	failures map[string]*failure // by id; has the ids whose newest build that has ended failed
	closed   bool
	live     int           // number of running builds and of bots that are not freed
	idle     chan struct{} // closed when closed is true and live is 0

	work   sync.WaitGroup // goroutines that build and free bots
	ctx    context.Context
	cancel context.CancelFunc
}

// entry is a bot that is cached, or that is evicted and still leased.
type entry struct {
	built   Built
	expires time.Time
	leases  int
	evicted bool
}

// New returns an empty Cache. To stop the Cache, call ShutLocked and then Drain.
func New(o Options) (*Cache, error) {
	c := &Cache{o: o, mu: o.Lock, builds: map[string]*Build{}, failures: map[string]*failure{}, idle: make(chan struct{})}
	var err error
	if c.bots, err = simplelru.NewLRU(o.Size, func(_ string, e *entry) { c.evictedLocked(e) }); err != nil {
		return nil, err
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// GetLocked returns a lease of the cached bot of the id. It returns nil if no bot is cached, or
// if the bot's time to live is over. Locked: the owner's lock is held.
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

// ForgetLocked removes all that the Cache has of an id: its cached bot, its failure and its
// running build. The waiters of that build still get its bot, but the bot is not cached. Call
// ForgetLocked when the settings or parts of the id's bot have changed. Locked: the owner's
// lock is held.
func (c *Cache) ForgetLocked(id string) {
	delete(c.builds, id)
	delete(c.failures, id)
	c.bots.Remove(id)
}

// KnowsLocked reports whether the id has a cached bot, a running build or a failure. Locked:
// the owner's lock is held.
func (c *Cache) KnowsLocked(id string) bool {
	return c.builds[id] != nil || c.failures[id] != nil || c.bots.Contains(id)
}

// BuildingLocked reports whether the id has a running build that ForgetLocked has not removed.
// Locked: the owner's lock is held.
func (c *Cache) BuildingLocked(id string) bool { return c.builds[id] != nil }

// ExpireLocked evicts the bots whose time to live is over. Locked: the owner's lock is held.
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
	Turns     int // number of running turns
}

// List returns the cached bots whose time to live is not over. The least recently used bot
// comes first.
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

// Evict removes the cached bot of the id and reports whether there was one.
func (c *Cache) Evict(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bots.Remove(id)
}

// Clear removes all cached bots and returns their number.
func (c *Cache) Clear() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.bots.Len()
	c.bots.Purge()
	return n
}
