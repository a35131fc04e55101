// Package registry holds the tenants of a host and lends their bots. It has two parts, each of
// which can be read alone:
//
//   - a catalog of tenants: which tenants there are, their documents, and their effective
//     configurations. It has two implementations behind one interface: memoryCatalog keeps
//     registered tenants in memory, persistedCatalog in a tenant store that other hosts share.
//   - a cache of bots, package botcache: an LRU with a time to live, leases and builds. It does
//     not know where tenants come from.
//
// A bot is built when it is first asked for, and freed when it has left the cache and its last
// turn has ended. If the bot is cached and the tenant store is fresh, Acquire calls nothing and
// waits for nobody. Bots of different tenants are built concurrently; one tenant's bot is built
// once for all who wait for it.
//
// One lock, tenantTable.mu, guards the table of tenants, both catalogs and the cache. A bot is
// lent only if it was built from its tenant's present configuration; therefore the tenant and its
// bot are looked up in one step. The lock is held only briefly, never while settings are checked,
// bots are built or the tenant store is called.
//
// The shared parts:
//
//   - registry.go: Registry, New and Close; Acquire: whether a bot comes from the cache or is
//     built; WriteTarget.
//   - catalog.go: the interface of the two catalogs, in groups.
//   - table.go: tenantTable, the tenants in memory; which configuration is served when their
//     documents change.
//   - tenant.go: one tenant as the table keeps it, and as callers see it.
//   - judge.go: checks a tenant's two documents together, and decides when its own is held and
//     which change of a document is accepted.
//   - writes.go: which changes of tenants are in progress, and which wait for a reload.
//   - admissions.go: keeps the admission of a tenant that is removed, in case it comes back.
//   - tries.go: how many storages a tenant's settings may be tried with.
//   - counts.go: how many tenants and bots are in memory.
//
// Operations on tenants:
//
//   - put.go: Put, Remove and RemoveOwn; tenants of files (RefuseFile, DropFile); whether a
//     request may replace a tenant (If-Match).
//   - own.go: whether a tenant's own settings may be changed.
//   - list.go: Get and List; which secrets are missing.
//   - history.go: versions, restore and rollback.
//   - snapshot.go: Snapshot, a view of all that a tenant has; ForEachTenant.
//   - incarnation.go: notes the storages that a tenant's turns are written to, and returns the
//     incarnation that they are written under.
//   - erase.go: ends an incarnation and begins another.
//   - purge.go: the steps that delete a tenant for good.
//   - reload.go: Reload checks all tenants under new host files, and decides whether the files
//     are accepted.
//
// The catalogs:
//
//   - memory.go: memoryCatalog.
//   - persisted.go: persistedCatalog; the rule of freshness as a table of states; how a change
//     is stored, and how often it is repeated.
//   - persisted_put.go: put, remove and restore; which ids are reserved.
//   - persisted_own.go: own settings.
//   - persisted_list.go: lists.
//   - load.go: when a tenant is read from the tenant store; what happens when the store reports
//     a change.
//
// The cache:
//
//   - botcache: the cache itself.
//   - cache_admin.go: lists and evicts cached bots for operators.
//   - secret_refresh.go: how often bots are asked whether their secrets changed
//     (Options.StaleEvery; host/tenant_secrets.go answers).
//   - rejudge.go: tries refused tenants again when something that they need has changed.
package registry
