package admission

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// Queue gives out the slots of a plugin: how many calls it may have at once.
//
// Waiting calls are served round-robin by tenant, then round-robin by the tenant's
// instances, and in the order of arrival within one instance. A tenant with hundreds of
// waiting calls, on however many instances, delays a call of another tenant by one slot at
// most.
//
// Where several instances share the process, an instance gets a slot only while more
// slots are free than it has. The same holds for a tenant with all its instances. So an
// instance whose upstream hangs takes half of the slots at most, a second one half of the
// rest, and some are left for all others. A fixed share for each would leave none as soon
// as more instances hang than there are shares.
//
// An upstream that takes few calls at once gets no more than these. Its other calls wait in
// this queue, which is fair between tenants. A queue of the upstream's own would not be: it
// does not know the tenants.
//
// It is used by any number of goroutines.
type Queue struct {
	hasRivals func() bool // whether several instances share the process; nil is never

	mu      sync.Mutex
	slots   int
	free    int                      // below zero while there are fewer slots than calls
	turns   *list.List               // *queueTenant with waiting calls; the next to be served is first
	places  map[string]*list.Element // elements of turns, by tenant
	waiting int                      // calls that wait
	// Slots in use: by instance, by tenant, and by upstream for those with a capacity.
	// No count is zero.
	byInstance, byTenant, byUpstream map[string]int
}

// Claim says whose call wants a slot.
type Claim struct {
	Tenant   string
	Instance string
	// Capacity is the capacity of the instance's upstream.
	Capacity Capacity
}

// Capacity is how many calls an upstream takes at once. The zero value is any number.
type Capacity struct {
	Upstream string
	Parallel int
}

// queueTenant holds a tenant's waiting calls. It is never empty.
type queueTenant struct {
	tenant string
	lines  *list.List               // *queueLine; the next to be served is first
	places map[string]*list.Element // elements of lines, by instance
	calls  int
}

// queueLine holds a tenant's waiting calls on one instance. It is never empty. When a
// tenant's configuration changes, its calls go to another instance. They do not wait behind
// the calls on the former one, because each instance has a line of its own.
type queueLine struct {
	instance string
	waiters  *list.List // *waiter
}

// waiter is a call that waits.
type waiter struct {
	claim   Claim
	place   *list.Element // in its line
	granted chan struct{} // closed, under the lock, when the slot is the waiter's
}

// NewQueue returns a queue with that many slots. hasRivals reports whether several
// instances share the process; it is called with the queue's lock held, and nil is never.
func NewQueue(slots int, hasRivals func() bool) *Queue {
	return &Queue{
		hasRivals: hasRivals, slots: slots, free: slots, turns: list.New(), places: map[string]*list.Element{},
		byInstance: map[string]int{}, byTenant: map[string]int{}, byUpstream: map[string]int{},
	}
}

// Acquire waits for a slot, and for capacity of the upstream. release must be called
// exactly once. It fails at once when too many calls wait, and else when ctx ends.
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
	case <-w.granted: // at the same moment: pass it on
		q.putBackLocked(c)
		q.grantLocked()
	default:
		place := q.places[c.Tenant]
		q.leaveLocked(place, place.Value.(*queueTenant).places[c.Instance], w.place)
	}
	return nil, fault.New(fault.Of(ctx.Err()).Class, "no slot of the plugin became free in time: %w", ctx.Err())
}

// joinLocked adds a call to those that wait. It returns an error if too many wait already.
// Locked: mu is held.
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
	q.grantLocked() // the others may wait for their own instances only, and this call may go first
	return w, nil
}

// leaveLocked takes a waiter out of its line, and removes the line and the tenant if they
// are empty then. tenantAt is the tenant's element of turns, lineAt the line's element of
// the tenant's lines, and waiterAt the waiter's element of the line. Locked: mu is held.
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

// release gives the claim's slot back, and to the next call that may have it.
func (q *Queue) release(c Claim) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.putBackLocked(c)
	q.grantLocked()
}

// Resize changes how many slots there are. No call is cut off: fewer slots count as calls
// end.
func (q *Queue) Resize(slots int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free += slots - q.slots
	q.slots = slots
	q.grantLocked()
}

// mayTakeLocked reports whether the claim may have another slot. Locked: mu is held.
func (q *Queue) mayTakeLocked(c Claim) bool {
	if q.free <= 0 || c.Capacity.Parallel > 0 && q.byUpstream[c.Capacity.Upstream] >= c.Capacity.Parallel {
		return false
	}
	n := max(q.byInstance[c.Instance], q.byTenant[c.Tenant])
	return n < q.free || q.hasRivals == nil || !q.hasRivals()
}

// takeLocked counts a slot out. Locked: mu is held.
func (q *Queue) takeLocked(c Claim) {
	q.free--
	q.byInstance[c.Instance]++
	q.byTenant[c.Tenant]++
	if c.Capacity.Parallel > 0 {
		q.byUpstream[c.Capacity.Upstream]++
	}
}

// putBackLocked counts a slot in. Locked: mu is held.
func (q *Queue) putBackLocked(c Claim) {
	q.free++
	decrement(q.byInstance, c.Instance)
	decrement(q.byTenant, c.Tenant)
	if c.Capacity.Parallel > 0 {
		decrement(q.byUpstream, c.Capacity.Upstream)
	}
}

// decrement lowers a count, and deletes it when it is zero.
func decrement(counts map[string]int, name string) {
	if counts[name]--; counts[name] == 0 {
		delete(counts, name)
	}
}

// grantLocked hands free slots to the tenants whose turn it is. Locked: mu is held.
func (q *Queue) grantLocked() {
	for place := q.turns.Front(); place != nil && q.free > 0; {
		next := place.Next()
		if q.grantOneLocked(place) && next == nil {
			next = q.turns.Front() // another round
		}
		place = next
	}
}

// grantOneLocked hands a slot to the tenant's first line that may have one, and reports
// whether there is such a line. Locked: mu is held.
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
