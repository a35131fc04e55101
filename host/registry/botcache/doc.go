// Package botcache caches bots that are ready to chat, by the ids of their tenants. It builds a
// bot that a caller requests and that is not cached, lends the bot to callers, and frees it
// when no caller uses it any more. It knows only the ids of tenants. The owner of the Cache
// passes the function that builds a bot, and calls ForgetLocked when the bot's settings have
// changed.
//
// A bot is in one of these states:
//
//	state      begins when                               ends when
//	building   the owner calls BuildLocked               the build ends
//	cached     the newest build of the id succeeds       the time to live is over, or the bot is
//	                                                     evicted, forgotten, stale, or the least
//	                                                     recently used bot of a full cache
//	evicted    the bot leaves the cache, or its build    the last lease is released
//	           is not the newest of the id
//	released   the bot has no lease any more             (its parts are freed in the background)
//
// The Cache has no lock of its own, but uses the lock of its owner, Options.Lock. So the owner
// can look up a tenant and take the tenant's bot in one step, and no caller gets a bot of a
// configuration that was replaced before the request. Methods whose names end in Locked are
// called with the lock held. They neither wait nor call the owner. All other methods take the
// lock themselves.
//
//   - cache.go: Cache and its options; which bots are cached, how long, and which are evicted.
//   - build.go: Build, one build of a bot with its waiters.
//   - lease.go: Lease, a bot in use, and when a bot is freed.
//   - failure.go: bots that could not be built, and when to build them again.
//   - stale.go: evicts bots whose secrets have changed.
//   - shutdown.go: stops the cache, and waits for running turns.
package botcache
