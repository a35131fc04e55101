// Package storage defines the kind of plugin that keeps conversations. For each tenant and
// conversation a storage has an append-only, gapless log of succeeded turns, and beside it the
// turns that did not succeed. Some storages also keep the registered tenants of hosts.
//
// # Files
//
//	storage.go               the interfaces Storage, Renewer, Importer, Migrator and Backuper; requests and results
//	tenant_store.go          the interfaces TenantStore and TenantWatcher; how many versions are kept
//	plugin.go                NewPlugin, and the capabilities of plugins
//	validate.go              which requests every storage refuses, and which texts
//	size.go                  how many bytes an entry counts, and where a page ends
//	client_adapter.go        Client: calls a storage in a plugin process
//	server_adapter.go        serves a storage in a plugin process
//	tenant_store_adapter.go  client and server of a tenant store
//
// To write a storage, implement [Storage] and any of the other interfaces, and pass a function
// that opens the storage to [NewPlugin]. Each method first calls Validate or ValidateText on its
// request. Package storagetest tests the result.
//
// # Terms
//
// A turn begins with Begin and ends with Commit. A conversation has at most one running turn,
// which has a holder and a lease. Begin returns a fence, and Commit passes it back. When the
// lease of a turn has ended, the next Begin interrupts the turn, and the fence is no longer valid.
// An incarnation is the time of a tenant id between two deletions: after a deletion the same id
// begins a new one.
//
// A database has a schema version. A newer plugin expands it, in a way that older plugins can
// still use. It is contracted when no older plugin is left: then what only those need is removed.
package storage
