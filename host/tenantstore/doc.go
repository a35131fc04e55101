// Package tenantstore stores the registrations of tenants in a storage that several hosts may
// share, and polls for the changes that other hosts make.
//
// A registration has the tenant's documents, the storages that the tenant's turns were written
// to, and the incarnation of the tenant's id. The host's key seals literal secrets in the
// documents. Every change makes a version, which the storage numbers. A Put names the version
// that it replaces. If two hosts change a tenant at the same time, one of their Puts is
// refused.
//
// A Store polls the storage for changes. A caller may use data that it has read of a tenant as
// long as Fresh reports true and Options.Changed was not called for the tenant. When Fresh
// reports false, the caller calls EnsureFresh first. Some storages send notices of changes. A
// notice only makes the Store poll sooner, so a lost notice does no harm.
//
//   - store.go: Store; Get, List, History and Put, and how often a Put is repeated.
//   - freshness.go: when a caller's data count as fresh, how often the Store polls, notices of
//     changes.
//   - entry.go: Entry, one version of a registration; how many storages it may name.
//   - envelope.go: the stored form of an entry, and how its secrets are sealed.
//   - own_recovery.go: how own settings survive a version that an older host wrote.
//   - tenantstoretest: a storage of registrations in memory, for tests.
package tenantstore
