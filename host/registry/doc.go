// Package registry has the tenants of a host and lends their bots. It joins two things, each
// of which can be read alone:
//
//   - a catalog of tenants: which there are, their documents, and what these make. It has two
//     implementations behind one interface: memoryCatalog keeps registered tenants in memory,
//     persistedCatalog in a tenant store that other hosts share.
//   - a cache of bots, package botcache: an LRU with a time to live, leases and builds. It
//     knows nothing of where tenants come from.
//
// A bot is built when it is first asked for, and freed when it has left the cache and its last
// turn has ended. To acquire a cached bot calls nothing and waits for nobody. The bots of
// different tenants are built side by side, that of one tenant once.
//
// One lock, tenantTable.mu, guards the table of tenants, both catalogs and the cache. A bot is
// lent only while it is of what its tenant is now, and so the tenant and its bot are looked up
// in one step. The lock is held for moments, never while settings are judged, bots are built
// or the tenant store is called.
//
// The parts that all share:
//
//   - registry.go: Registry, New and Close; Acquire: how a bot is found, built, or built anew
//     by force; WriteTarget.
//   - catalog.go: the interface of the two catalogs, in groups.
//   - table.go: tenantTable, the tenants that are in memory; what is served when their
//     documents change.
//   - tenant.go: one tenant as it is kept, and as it is described.
//   - judge.go: what a tenant's two documents make together, when its own are held, and which
//     change of a document may be made.
//   - writes.go: which changes are on their way, and which wait for a reload.
//   - admissions.go: the admission of a tenant that goes and comes back.
//   - tries.go: how many storages a tenant's settings may be tried with.
//   - counts.go: how many tenants and bots are in memory.
//
// What is done with tenants:
//
//   - put.go: Put; tenants of files; whether a request may replace a tenant (If-Match).
//   - own.go: whether a tenant's own settings may be changed.
//   - list.go: Get and List; secrets that are missing.
//   - history.go: versions, restore and rollback.
//   - snapshot.go: Snapshot, all that a tenant has; ForEachTenant.
//   - incarnation.go: the incarnation and the storages that turns are written under, and when
//     they are noted.
//   - erase.go: how an incarnation ends and another begins.
//   - purge.go: the steps by which a tenant goes for good.
//   - reload.go: Reload, all tenants judged by other host files, and whether these are taken.
//
// The catalogs:
//
//   - memory.go: memoryCatalog.
//   - persisted.go: persistedCatalog; the rule of freshness as a table of states; how a change
//     is stored, and how often it is repeated.
//   - persisted_put.go: put, remove and restore; which ids are reserved.
//   - persisted_own.go: own settings.
//   - persisted_list.go: lists.
//   - load.go: when a tenant is read from the tenant store, and what a change that is heard of
//     does.
//
// The cache:
//
//   - botcache: the cache itself.
//   - cache_admin.go: what operators see and do of it.
//   - secret_refresh.go: bots whose secrets have changed.
//   - rejudge.go: tenants that are refused, when what they need has changed.
package registry
