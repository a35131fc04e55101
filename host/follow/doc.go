// Package follow lets memories follow the conversations of their tenants in the background: it
// passes what happened in a conversation to Remember, lets the memory forget what was deleted, and
// calls Work.
//
// How far a conversation was followed is a cursor in the tenant's storage, one for each store key of
// a memory. So nothing is lost when a host ends, and there is no queue that could be lost. Hosts that
// share a storage divide the conversations among themselves: a host claims cursors for a short lease,
// and no other host follows these conversations meanwhile. When a host dies, its claims end with the
// lease. The batch that was in flight is then passed to Remember again.
//
// # What is done when
//
// A host follows a tenant after each turn of the tenant on this host (Touch). In addition, a sweep
// looks at all tenants from time to time, and finds what a dead host has left. Tenants take turns: a
// worker does one step of a tenant, which is a few conversations with a page of turns each, and then
// takes the next tenant. A tenant whose step fails waits longer after each failure, and such tenants
// together have at most half of the workers.
//
// # Deletions
//
// A storage turns the cursors of a deleted conversation into cursors to be forgotten, in the step that
// deletes the conversation. Whoever deletes calls Drain afterwards, which lets the memory forget, and
// reports a deletion as done only then. If the host dies between the two, the follower of another
// host does the same later.
//
// # Files
//
//	follow.go   Follower: options, Run, Touch and Close of the work; the sweep
//	queue.go    which tenant's step is next
//	step.go     one step of a tenant: claims, pages, Remember, Advance
//	events.go   what Remember is told of a page of turns
//	work.go     the background work of a memory
//	drain.go    Drain: forgetting what was deleted
package follow
