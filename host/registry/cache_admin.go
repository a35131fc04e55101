package registry

import "github.com/botyard/botyard/host/registry/botcache"

// CachedBot describes a bot in the cache.
type CachedBot = botcache.Bot

// CachedBots returns the bots in the cache, least recently used first.
func (r *Registry) CachedBots() []CachedBot { return r.cache.List() }

// EvictBot removes the tenant's bot from the cache and reports whether there was one.
func (r *Registry) EvictBot(id string) bool { return r.cache.Evict(id) }

// ClearCache empties the cache and returns how many bots were in it.
func (r *Registry) ClearCache() int { return r.cache.Clear() }
