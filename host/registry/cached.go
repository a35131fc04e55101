package registry

import "time"

// CachedBot describes a bot in the cache.
type CachedBot struct {
	Tenant    string
	Revision  string
	ExpiresAt time.Time
	Turns     int // at work
}

// CachedBots answers the bots in the cache, least recently used first.
func (r *Registry) CachedBots() []CachedBot {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]CachedBot, 0, r.cache.Len())
	for _, id := range r.cache.Keys() {
		e, _ := r.cache.Peek(id)
		if !r.o.now().Before(e.expires) {
			continue
		}
		out = append(out, CachedBot{Tenant: id, Revision: e.built.Bot.Revision, ExpiresAt: e.expires, Turns: e.users})
	}
	return out
}

// EvictBot drops the tenant's bot from the cache and answers whether there was one.
func (r *Registry) EvictBot(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cache.Remove(id)
}

// ClearCache empties the cache and answers how many bots were in it.
func (r *Registry) ClearCache() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.cache.Len()
	r.cache.Purge()
	return n
}
