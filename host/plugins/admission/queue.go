package admission

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// Queue grants the slots of a plugin to calls. A plugin has at most as many calls at once
// as it has slots.
//
// The queue serves waiting calls round-robin by tenant, then round-robin by the tenant's
// instances, and in the order of arrival within one instance. So a call of a tenant waits
// for at most one call of another tenant, even if that tenant has hundreds of waiting calls
// on many instances.
//
// If several instances share the process, an instance gets a slot only while more slots are
// free than the instance already has. The same limit applies to a tenant with all its
// instances. So an instance whose upstream hangs takes at most half of the slots, a second
// hanging instance takes half of the remaining slots, and some slots stay free for other
// instances. With a fixed share for each instance, no slot would be left as soon as more
// instances hang than there are shares.
//
// An upstream with a capacity gets at most that many calls at once. Further calls for the
// upstream wait in this queue, because the queue is fair between tenants. A queue inside
// the upstream would not be fair, because the upstream does not know the tenants.
//
// A Queue is safe for concurrent use.
type Queue struct {
	// hasRivals reports whether several instances share the process. Nil means that one
	// instance has the process alone.
	hasRivals func() bool

	mu      sync.Mutex
	slots   int
	free    int                      // slots minus running calls; may be negative after Resize
	turns   *list.List               // *queueTenant values with waiting calls; the tenant to be served next is first
	places  map[string]*list.Element // elements of turns, by tenant
	waiting int                      // how many calls wait
	// How many slots are in use, by instance, by tenant, and by upstream with a capacity. A
	// count that reaches zero is deleted.
	byInstance, byTenant, byUpstream map[string]int
}

// Claim says for which tenant, instance and upstream a call needs a slot.
type Claim struct {
	Tenant   string
	Instance string
	// Capacity is the capacity of the instance's upstream.
	Capacity Capacity
}

// Capacity limits how many calls an upstream gets at once. The zero value sets no limit.
type Capacity struct {
	Upstream string
	Parallel int
}

// queueTenant holds a tenant's waiting calls. It is never empty.
type queueTenant struct {
	tenant string
	lines  *list.List               // *queueLine values; the line to be served next is first
	places map[string]*list.Element // elements of lines, by instance
	calls  int
}

// queueLine holds a tenant's waiting calls on one instance. It is never empty. When a
// tenant's configuration changes, its new calls use another instance. They do not wait
// behind the calls on the old instance, because each instance has its own line.
type queueLine struct {
	instance string
	waiters  *list.List // *waiter values
}

// waiter is a call that waits for a slot.
type waiter struct {
	claim   Claim
	place   *list.Element // the waiter's element of queueLine.waiters
	granted chan struct{} // closed, with Queue.mu held, when the waiter gets a slot
}

// NewQueue returns a queue with that many slots. hasRivals reports whether several
// instances share the process, and is called with the queue's lock held. A nil hasRivals
// means that one instance has the process alone.
func NewQueue(slots int, hasRivals func() bool) *Queue {
	return &Queue{
		hasRivals: hasRivals, slots: slots, free: slots, turns: list.New(), places: map[string]*list.Element{},
		byInstance: map[string]int{}, byTenant: map[string]int{}, byUpstream: map[string]int{},
	}
}

// Acquire waits for a slot and for capacity of the upstream. The caller must call release
// exactly once. Acquire returns an error at once if too many calls wait already, and an
// error when ctx ends while the call waits.
func (q *Queue) Acquire(ctx context.Context, c Claim) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Of(err)
	}
	release = func() { q.release(c) }
	q.mu.Lock()
	if q.turns.Len() == 0 && q.mayTakeLocked(c) {
		q.takeLocked(c)
		q.mu.Unlock()
		return release, nil
	}
	w, err := q.joinLocked(c)
	q.mu.Unlock()
	if err != nil {
		return nil, err
	}

	select {
	case <-w.granted:
		return release, nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-w.granted: // the slot came at the moment when ctx ended, so another call gets the slot
		q.putBackLocked(c)
		q.grantLocked()
	default:
		place := q.places[c.Tenant]
		q.leaveLocked(place, place.Value.(*queueTenant).places[c.Instance], w.place)
	}
	return nil, fault.New(fault.Of(ctx.Err()).Class, "no slot of the plugin became free in time: %w", ctx.Err())
}

// joinLocked adds a call to the waiting calls. It returns an error if too many calls wait
// already. Locked: mu is held.
func (q *Queue) joinLocked(c Claim) (*waiter, error) {
	place, ok := q.places[c.Tenant]
	switch {
	case ok && place.Value.(*queueTenant).calls >= bounds.WaitingCalls:
		return nil, fault.New(fault.RateLimited, "%d calls of this tenant are waiting for the plugin", bounds.WaitingCalls).After(time.Second)
	case q.waiting >= bounds.WaitingCallsOfAll:
		return nil, fault.New(fault.PluginUnavailable, "%d calls are waiting for the plugin", bounds.WaitingCallsOfAll).By(fault.PartyHost).After(time.Second)
	case !ok:
		place = q.turns.PushBack(&queueTenant{tenant: c.Tenant, lines: list.New(), places: map[string]*list.Element{}})
		q.places[c.Tenant] = place
	}
	own := place.Value.(*queueTenant)
	line, ok := own.places[c.Instance]
	if !ok {
		line = own.lines.PushBack(&queueLine{instance: c.Instance, waiters: list.New()})
		own.places[c.Instance] = line
	}
	w := &waiter{claim: c, granted: make(chan struct{})}
	w.place = line.Value.(*queueLine).waiters.PushBack(w)
	own.calls++
	q.waiting++
	q.grantLocked() // the new call may be served at once if all earlier calls wait for busy instances or upstreams
	return w, nil
}

// leaveLocked removes a waiter from its line. It then removes the line if the line is
// empty, and the tenant if the tenant has no waiting call. tenantAt is an element of
// Queue.turns, lineAt an element of queueTenant.lines, and waiterAt an element of
// queueLine.waiters. Locked: mu is held.
func (q *Queue) leaveLocked(tenantAt, lineAt, waiterAt *list.Element) {
	own, line := tenantAt.Value.(*queueTenant), lineAt.Value.(*queueLine)
	line.waiters.Remove(waiterAt)
	own.calls--
	q.waiting--
	if line.waiters.Len() == 0 {
		own.lines.Remove(lineAt)
		delete(own.places, line.instance)
	}
	if own.calls == 0 {
		q.turns.Remove(tenantAt)
		delete(q.places, own.tenant)
	}
}

// release frees the claim's slot and grants the free slots to waiting calls.
func (q *Queue) release(c Claim) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.putBackLocked(c)
	q.grantLocked()
}

// Resize changes the number of slots. Running calls continue, even if there are more of
// them than slots. Then no waiting call gets a slot before enough calls have ended.
func (q *Queue) Resize(slots int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free += slots - q.slots
	q.slots = slots
	q.grantLocked()
}

// mayTakeLocked reports whether the claim may get a slot now. Locked: mu is held.
func (q *Queue) mayTakeLocked(c Claim) bool {
	if q.free <= 0 || c.Capacity.Parallel > 0 && q.byUpstream[c.Capacity.Upstream] >= c.Capacity.Parallel {
		return false
	}
	n := max(q.byInstance[c.Instance], q.byTenant[c.Tenant])
	return n < q.free || q.hasRivals == nil || !q.hasRivals()
}

// takeLocked counts a slot as used by the claim. Locked: mu is held.
func (q *Queue) takeLocked(c Claim) {
	q.free--
	q.byInstance[c.Instance]++
	q.byTenant[c.Tenant]++
	if c.Capacity.Parallel > 0 {
		q.byUpstream[c.Capacity.Upstream]++
	}
}

// putBackLocked counts the claim's slot as free. Locked: mu is held.
func (q *Queue) putBackLocked(c Claim) {
	q.free++
	decrement(q.byInstance, c.Instance)
	decrement(q.byTenant, c.Tenant)
	if c.Capacity.Parallel > 0 {
		decrement(q.byUpstream, c.Capacity.Upstream)
	}
}

// decrement subtracts 1 from the count of the name, and deletes a count that reaches zero.
func decrement(counts map[string]int, name string) {
	if counts[name]--; counts[name] == 0 {
		delete(counts, name)
	}
}

// grantLocked grants free slots to waiting calls, tenant by tenant. Locked: mu is held.
func (q *Queue) grantLocked() {
	for place := q.turns.Front(); place != nil && q.free > 0; {
		next := place.Next()
		if q.grantOneLocked(place) && next == nil {
			next = q.turns.Front() // start another round over all tenants
		}
		place = next
	}
}

// grantOneLocked grants a slot to the first of the tenant's lines that may have one, and
// reports whether a line got a slot. Locked: mu is held.
func (q *Queue) grantOneLocked(place *list.Element) bool {
	own := place.Value.(*queueTenant)
	for at := own.lines.Front(); at != nil; at = at.Next() {
		first := at.Value.(*queueLine).waiters.Front()
		w := first.Value.(*waiter)
		if !q.mayTakeLocked(w.claim) {
			continue
		}
		q.takeLocked(w.claim)
		own.lines.MoveToBack(at)
		q.turns.MoveToBack(place)
		q.leaveLocked(place, at, first)
		close(w.granted)
		return true
	}
	return false
}

// Waiting returns how many calls wait.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting
}
