// Package botcache keeps bots that are ready to chat, by the id of their tenant. It builds a
// bot when one is asked for that it does not have, lends it out, and frees it when nobody
// uses it any more. It knows nothing of tenants but their ids: what a bot is built from, and
// when that has changed, its owner tells it.
//
// A bot of the cache is in one of these states:
//
//	state      entered when                               left when
//	building   the owner calls BuildLocked                the build ends
//	cached     the build ends and is still the newest     its time is over, it is evicted,
//	                                                      forgotten or stale, or there is no room
//	evicted    it left the cache, or never was in it      its last lease is released
//	released   no lease of it is left                     (its parts are freed in the background)
//
// The cache has no lock of its own but uses that of its owner. The owner looks up a tenant
// and takes its bot in one step, so that nobody is lent the bot of a configuration that was
// replaced before he asked. Methods that end in Locked are called with that lock held. None
// of them waits or calls the owner. The others take the lock themselves.
//
//   - cache.go: Cache and its options; what is cached, for how long, and what is evicted.
//   - build.go: Build, one build of a bot with all who wait for it.
//   - lease.go: Lease, a bot in use, and when a bot is freed.
//   - failure.go: bots that could not be built, and when they are tried again.
//   - stale.go: bots whose secrets have changed.
//   - shutdown.go: how the cache ends, and for whom it waits.
package botcache
