// Package memstore is the storage plugin "memory". It keeps every conversation in its process, and
// nothing survives the process. It is for trials of Botyard, for tests and for bots that may lose
// their conversations. It keeps all other promises of [storage.Storage].
//
// # Files
//
//	plugin.go           name, version, capabilities and configuration
//	store.go            Store, New and Close; shards, and how a call finds its tenant; Renew
//	tenant.go           the conversations of one tenant, by id and by user
//	conversation.go     the turns of one conversation: start, commit, interrupt, tail
//	begin_commit.go     Begin and Commit
//	idempotency_key.go  when a key replays and when it expires
//	holder.go           leases: who holds running turns, and until when
//	fence.go            the text that stands for a running turn
//	page.go             Read and List
//	delete.go           Delete: unlinks first, then frees turns in steps
//	import.go           Import
//	tenant_store.go     registered tenants: put, get, list, history, changes, watch
//	budget.go           bounds in bytes: for one tenant and for all; how much memory there is
//	size.go             how many bytes a turn counts
//
// Tests are named as the files. cost_test.go tests that a turn's cost does not grow.
//
// # Whose data is where
//
// A [Store] is one instance. The host makes one for each distinct configuration. All tenants that
// inherit backend = "memory" share one Store, and the tenant of each call separates them. A tenant
// with another max_bytes has a Store of its own, and so has one whose plugin block says
// isolation = "tenant". Two Stores share nothing but the budget of their process. Conversations in
// the Store of an earlier configuration are not visible under the new one.
//
// The plugin declares itself exclusive: a new process cannot take over what an old one holds, so
// the host stops the old one before it starts the new one. The host also keeps its instances when
// no bot uses them, since conversations outlive bots. A Store lives as long as its process.
//
// A Store also keeps the registered tenants of a host that names it for them, with the newest 100
// to 200 versions of each, and reports their changes at once. They end with the process too: a
// tenant that was registered over the API must be registered again.
//
// # Cost
//
// Tenants are spread over the shards of a hash map, and each tenant has a lock of its own. A long
// list or deletion delays no other tenant. Begin and Commit take the same time however long the
// conversation is and however many tenants there are. Read and List find their page by binary
// search. Deleting a tenant unlinks it as a whole. A deletion with a limit frees the turns in
// steps.
package memstore
