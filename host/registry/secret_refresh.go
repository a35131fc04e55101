package registry

import "github.com/botyard/botyard/host/poll"

// refreshSecrets drops cached bots one of whose secrets has changed, every Options.StaleEvery,
// until the Registry is closed.
func (r *Registry) refreshSecrets() {
	poll.Every(r.ctx, r.o.StaleEvery, nil, func() {
		r.cache.DropStale(func() bool { return r.ctx.Err() != nil })
	})
}

// DropIfStale drops the tenant's cached bot if one of its secrets has changed, and reports
// whether one has. Running turns finish on it.
func (r *Registry) DropIfStale(id string) bool { return r.cache.DropIfStale(id) }
