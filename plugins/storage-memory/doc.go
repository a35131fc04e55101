// Package memstore is the storage plugin "memory": it keeps every conversation
// in its process, and nothing survives it. It is for trying Botyard out, for tests
// and for bots that may forget; it keeps all promises of [storage.Storage] all the
// same.
//
// # Whose data is where
//
// A [Store] is one instance. The host makes one instance for each distinct
// configuration, so all tenants that inherit backend = "memory" share one Store
// and are told apart by the tenant of each call; a tenant with another max_bytes
// has a Store of its own, and so has one whose plugin block says
// isolation = "tenant". Two Stores share nothing, even in one process. What the
// Store of an earlier configuration held is not seen under the new one.
//
// The plugin declares itself exclusive: a new process cannot take over what an
// old one holds, so the host stops the old one before it starts the new one. Nor
// does the host release its instances when no bot uses them, since conversations
// outlive bots: a Store lives as long as its process.
//
// A Store also keeps the tenants of a host that names it for them, with the newest
// hundred or two versions of each, and tells of their changes at once. What is kept
// of tenants is gone with the process, like all else: whoever was registered over
// the API must be registered again.
//
// # Cost
//
// Tenants are spread over shards of a hash map, and each has a lock of its own;
// a long list or delete holds up nobody else's tenant. Begin and Commit take the
// same time however long the conversation is and however many tenants there are.
// Read and List find their page by binary search. Deleting a tenant unlinks it
// as a whole; a deletion with a limit lets go of the turns in steps.
package memstore
