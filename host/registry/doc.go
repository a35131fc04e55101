// Package registry holds the tenants of a host and lends their bots to turns. It has two parts,
// each of which can be read alone:
//
//   - a catalog of tenants: which tenants exist, their documents, and their effective
//     configurations. The interface catalog has two implementations: memoryCatalog stores
//     registered tenants in memory, persistedCatalog in a tenant store that other hosts share.
//   - a cache of bots, package botcache: an LRU cache with a time to live, leases and builds. It
//     knows only the ids of tenants.
//
// A bot is built when it is first requested, and freed when it has left the cache and its last
// turn has ended. If the bot is cached and the tenant store is fresh, Acquire calls neither a
// plugin nor a storage, and does not wait. Bots of different tenants are built concurrently. A
// tenant's bot is built once for all callers that wait for it.
//
// One lock, tenantTable.mu, guards the table of tenants, both catalogs and the cache. A bot is
// lent only if it was built from the present configuration of its tenant. Therefore the tenant
// and its bot are looked up in one step. The lock is held only briefly, and never while
// settings are checked, bots are built or the tenant store is called.
//
// The shared parts:
//
//   - registry.go: Registry, New and Close; Acquire: whether a bot comes from the cache or is
//     built; WriteTarget.
//   - catalog.go: the interface of the two catalogs, in groups.
//   - table.go: tenantTable, the tenants in memory; which configuration is served when their
//     documents change.
//   - tenant.go: a tenant in the tenantTable, and its description for callers.
//   - tenant_view.go: what of that description the tenant itself may see.
//   - judge.go: checks a tenant's two documents together, and decides when its own document is
//     held and which change of a document is accepted.
//   - writes.go: which changes of tenants are in progress, and which wait for a reload.
//   - admissions.go: keeps the admission of a removed tenant in case the tenant comes back.
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
//   - incarnation.go: records the storages that a tenant's turns are written to, and returns the
//     incarnation under which they are written.
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
//   - load.go: when a tenant is read from the tenant store, and how it gets into the tenantTable.
//   - store_changes.go: which tenants are read again when the tenant store reports a change.
//
// The cache:
//
//   - botcache: the cache itself.
//   - cache_admin.go: lists and evicts cached bots for operators.
//   - secret_refresh.go: how often the Registry checks whether the secrets of cached bots have
//     changed (Options.StaleEvery; host/tenant_secrets.go compares them).
//   - rejudge.go: tries refused tenants again when something that they need has changed.
package registry
