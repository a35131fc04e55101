package registry

import "github.com/botyard/botyard/host/poll"

// refreshSecrets drops cached bots whose secrets have changed. It does so every
// Options.StaleEvery, until the Registry is closed.
func (r *Registry) refreshSecrets() {
	poll.Every(r.ctx, r.o.StaleEvery, nil, func() {
		r.cache.DropStale(func() bool { return r.ctx.Err() != nil })
	})
}

// DropIfStale drops the tenant's cached bot if one of the bot's secrets has changed. It reports
// whether a secret has changed. Running turns continue on the dropped bot.
func (r *Registry) DropIfStale(id string) bool { return r.cache.DropIfStale(id) }
