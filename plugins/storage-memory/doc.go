// Package memstore is the storage plugin "memory". It keeps every conversation in the memory of its
// process. No conversation survives the end of the process. The plugin is for trials of Botyard, for
// tests, and for bots that may lose their conversations. It fulfils all other promises of
// [storage.Storage].
//
// # Files
//
//	plugin.go           name, version, features and configuration
//	store.go            Store, New, Close and Renew; shards, and how a call finds its tenant
//	tenant.go           the conversations of one tenant, by id and by user
//	conversation.go     the turns of one conversation: start, commit, interrupt, tail
//	begin_commit.go     Begin and Commit
//	idempotency_key.go  which idempotency keys are known, and when a key expires
//	holder.go           the holders of running turns, and their leases
//	fence.go            the format of a fence
//	page.go             Read and List
//	delete.go           Delete: unlinks conversations first, then frees their turns in steps
//	import.go           Import
//	tenant_store.go     registered tenants: put, get, list, history, changes, watch
//	budget.go           the bounds in bytes of a tenant and of the process; how much memory there is
//	size.go             how many bytes a turn counts
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
// A Store spreads tenants over the shards of a hash map, and each tenant has its own mutex. So a long
// list or deletion of one tenant does not delay other tenants. The time of Begin and Commit does not
// depend on the length of the conversation or the number of tenants. Read and List find the first
// entry of a page by binary search. The deletion of a tenant unlinks the whole tenant in one step. A
// deletion with a limit frees the turns in several calls.
package memstore
