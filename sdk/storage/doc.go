// Package storage defines the kind of plugin that stores conversations. For each conversation of a
// tenant, a storage has a log of all turns. The log is append-only, and its succeeded turns are
// numbered without gaps. Some storages are also a tenant store, which stores the registered tenants
// of hosts.
//
// # Files
//
//	storage.go               the interfaces Storage, Renewer, Importer, Brancher, Migrator and Backuper; requests and results
//	cursor.go                the interface CursorStore: how far conversations were followed
//	tenant_store.go          the interfaces TenantStore and TenantWatcher; how many versions are kept
//	message.go               Message: how a host encodes messages and usage, which a storage does not parse
//	packed.go                the messages of a turn in one text of bytes
//	legacy.go                the JSON in which plugins kept messages before
//	plugin.go                NewPlugin, and what a plugin offers
//	validate.go              which requests and which texts a storage refuses
//	size.go                  how many bytes an entry counts, and where a page ends
//	begin_adapter.go         the result of a Begin in the form of the protocol
//	begin_encoding.go        the result of a usual Begin in its encoded form, without the protobuf library
//	cursor_adapter.go        client and server of Branch, Claim and Advance
//	client_adapter.go        Client: calls a storage in a plugin process
//	server_adapter.go        serves a storage in a plugin process
//	tenant_store_adapter.go  client and server of a tenant store
//
// To write a storage, implement [Storage] and any of the other interfaces, and pass a function that
// opens the storage to [NewPlugin]. Each method first calls Validate or ValidateText on its
// request. Package storagetest tests the storage.
//
// # Terms
//
// A turn begins with Begin and ends with Commit. A conversation has at most one running turn, which
// has a holder and a lease. Begin returns a fence, and the caller passes the fence to Commit. After
// the lease of a turn has ended, the next Begin interrupts the turn and makes the fence invalid. A
// tenant id gets a new incarnation after each deletion of the tenant.
//
// A database has a schema version. A newer plugin first expands the database, so that older plugins
// can still use it. When no older plugin runs any more, the operator contracts the database, which
// removes what only older plugins needed.
package storage
