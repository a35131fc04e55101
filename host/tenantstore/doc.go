// Package tenantstore keeps the registrations of tenants in a storage that several hosts
// may share, and polls for the changes that other hosts make.
//
// A registration has the tenant's documents with their literal secrets sealed by the
// host's key, the storages that its turns were written to, and the incarnation of its id.
// Every change makes a version, which the storage numbers. A Put names the version that it
// replaces, so of two hosts that change a tenant at once one is refused.
//
// A Store polls the storage for changes. A caller may use what it has read of a tenant as long
// as Fresh reports true and Options.Changed was not called for the tenant. When Fresh reports
// false, the caller calls EnsureFresh first. Some storages send notices of changes. A notice
// only makes the Store poll sooner; a lost one does no harm.
//
//   - store.go: Store; Get, List, History and Put, and how often a Put is repeated.
//   - freshness.go: when a caller's data count as fresh, how often the Store polls, notices of
//     changes.
//   - entry.go: Entry, one version of a registration; how many storages it may name.
//   - envelope.go: the stored form of an entry, and how its secrets are sealed.
//   - own_recovery.go: how own settings survive a version that an older host wrote.
//   - tenantstoretest: a storage of registrations in memory, for tests.
package tenantstore
