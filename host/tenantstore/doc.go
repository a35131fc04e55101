// Package tenantstore keeps the registrations of tenants in a storage that several hosts
// may share, and follows what the other hosts change.
//
// A registration has the tenant's documents with their literal secrets sealed by the
// host's key, the storages that its turns were written to, and the incarnation of its id.
// Every change makes a version, which the storage numbers. A Put names the version that it
// replaces, so of two hosts that change a tenant at once one is refused.
//
// A Store polls the storage for changes. What a caller has read of a tenant is used for as
// long as Fresh reports true and Changed was not told of the tenant. When Fresh reports
// false, the caller calls EnsureFresh first. A notice of a change, where the storage gives
// any, only has the Store poll sooner: nothing depends on it.
//
//   - store.go: Store; Get, List, History and Put, and how often a Put is repeated.
//   - freshness.go: when what is known is fresh, how often is polled, notices of changes.
//   - entry.go: Entry, one version of a registration; how many storages it may name.
//   - envelope.go: the stored form of an entry, and how its secrets are sealed.
//   - own_recovery.go: how own settings survive a version that an older host wrote.
//   - tenantstoretest: a storage of registrations in memory, for tests.
package tenantstore
