// Package ledger keeps the registrations of tenants in a storage that several hosts
// may share, and learns what the others change.
//
// What is stored of a tenant is its document, with its literal secrets sealed with
// the host's key, the storages that its turns were ever written to, and the life of
// its id. Every change is a version; the storage numbers them.
//
// A Ledger knows how far it has heard of changes, and since when. What a host keeps
// of a tenant it may use for as long as Fresh says so; else it asks Confirm first.
// A notice of a change, where the storage gives any, only makes it ask sooner: no
// promise depends on it.
package ledger
