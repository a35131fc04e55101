// Package storagekit is a storage of conversations over any ordered key-value store with
// transactions. The author of a backend implements [DB], which takes a few hundred lines at most. [New]
// makes a [Store] of it, which keeps all promises of [storage.Storage] and of the features renew, import,
// owners, retract, branch and cursor. Package storagetest tests the result.
//
// # What a DB must do
//
// The example of [New] is a complete DB that keeps its data in a file. Its test checks all rules of
// storagetest. Copy it to begin.
//
// A DB has partitions, one for each tenant. A transaction works on one partition, and transactions of
// one partition are serializable. A DB with a single key space puts the partition before the keys. The
// store never needs two partitions in one transaction, except that it reads the leases of holders,
// which all tenants share: see [Reader].
//
// # Keys of a partition
//
//	M inc                    the generation of an incarnation of the tenant, whether it has ended, and
//	                         whether it may have store keys
//	K inc store              a store key that has cursors
//	L inc                    the cursors of a store key of the incarnation were dropped
//	F inc store conv cid usr what must be forgotten
//	W inc store              the cursor of background work
//	D inc gen c conv         a conversation
//	D inc gen u user conv    conversations by their owner
//	D inc gen g user conv    conversations by users who wrote in them and do not own them
//	D inc gen x cid          a deleted conversation of which turns are left
//	D inc gen q store cid    a cursor
//	D inc gen b store cid    a conversation that is behind its cursor
//	D inc gen t cid g user   users who wrote and do not own the conversation
//	D inc gen t cid k key    the newest turn of an idempotency key
//	D inc gen t cid o time n idempotency keys by their time
//	D inc gen t cid n seq    a turn
//	D inc gen t cid r seq    what a turn has retracted
//	D inc gen t cid s seq    a closed run of live turns, by the sequence of its last turn
//
// A turn is live if it has succeeded and is not retracted. Live turns that are next to each other are a
// run. The newest run is in the record of the conversation, and has no key.
//
// inc is the tenant's incarnation, cid the conversation's. The deletion of a tenant makes a new
// generation, so that it takes one step however much there is. Later steps delete what is left of old
// generations.
//
// # Files
//
//	db.go            the interfaces DB, Tx and Reader
//	store.go         Store and New; what a call sees of its tenant
//	keys.go          the form of the keys
//	codec.go         the form of the values
//	records.go       conversations, turns and cursors as values
//	begin.go         Begin
//	idempotency.go   idempotency keys
//	commit.go        Commit
//	turns.go         tails, retractions, and what happens to a turn
//	runs.go          which turns are live
//	read.go          Read and List
//	delete.go        Delete, and its steps
//	delete_user.go   the deletion of a user
//	delete_tenant.go the deletion of a tenant
//	import.go        Import
//	branch.go        Branch
//	lease.go         Renew, and whether a turn's holder lives
//	cursor.go        Claim and Advance
//	claim_forget.go  cursors to be forgotten
//	store_keys.go    which store keys have cursors, and the bound of their number
package storagekit
