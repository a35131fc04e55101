// Package memstore is the storage plugin "memory". It keeps every conversation in the memory of its
// process. No conversation survives the end of the process. The plugin is for trials of Botyard, for
// tests, and for bots that may lose their conversations. It fulfils all other promises of
// [storage.Storage].
//
// # Files
//
//	plugin.go        name, version, features and configuration
//	store.go         Store, New and Close; when a tenant may have more
//	tenant_store.go  registered tenants: put, get, list, history, changes, watch
//	budget.go        the bounds in bytes of a tenant and of the process; how much memory there is
//
// Conversations are kept by package storagekit, over its DB in memory.
//
// Each test file is named after the file that it tests. cost_test.go measures the cost of a turn in
// Stores of increasing size.
//
// # Which Store has the data
//
// A [Store] is one instance of the plugin. The host configures one instance for each distinct
// configuration. All tenants that inherit backend = "memory" share one Store, and each call names its
// tenant. A tenant with a different max_bytes has its own Store. A tenant whose plugin block says
// isolation = "tenant" has its own Store too. Two Stores share only the budget of their process. When
// a change of a tenant's configuration leads to another Store, the tenant does not see its conversations
// in the previous Store any more.
//
// The plugin declares itself exclusive, because a new process cannot take over the data of an old
// process. The host therefore stops the old process before it starts the new process. The host also
// keeps an instance open that no bot uses, since conversations outlive bots. A Store lives as long as
// its process.
//
// A Store is also a tenant store. It keeps the newest 100 to 200 versions of each registered tenant,
// and reports changes to watchers at once. Registered tenants are lost at the end of the process too.
// A tenant that was registered over the API must then be registered again.
//
// # Cost
//
// A Store has a partition for each tenant, with a mutex of its own. So a long list or deletion of one
// tenant does not delay other tenants. The time of Begin and Commit grows with the logarithm of what
// the tenant has. The deletion of a tenant puts the whole tenant out of reach in one step. A deletion
// with a limit frees the turns in several calls.
package memstore
