// Package botcache keeps bots that are ready to chat, by the id of their tenant. It builds a
// bot when one is asked for that it does not have, lends it out, and frees it when nobody
// uses it any more. It knows of tenants only their ids: its owner passes the function that
// builds a bot, and calls ForgetLocked when the bot's settings have changed.
//
// A bot of the cache is in one of these states:
//
//	state      entered when                              left when
//	building   the owner calls BuildLocked               the build ends
//	cached     the build ends and is still the newest    its time is over, it is evicted,
//	                                                     forgotten or stale, or room is needed
//	evicted    it left the cache, or was never in it     its last lease is released
//	released   it has no lease any more                  (its parts are freed in the background)
//
// The cache has no lock of its own but uses that of its owner. The owner looks up a tenant
// and takes its bot in one step, so that nobody gets a bot of a configuration that was
// replaced before the request. Methods that end in Locked are called with that lock held. None
// of them waits or calls the owner. The others take the lock themselves.
//
//   - cache.go: Cache and its options; which bots are cached, how long, and which are evicted.
//   - build.go: Build, one build of a bot with all who wait for it.
//   - lease.go: Lease, a bot in use, and when a bot is freed.
//   - failure.go: bots that could not be built, and when they are tried again.
//   - stale.go: evicts bots whose secrets have changed.
//   - shutdown.go: ends the cache, and waits for running turns.
package botcache
