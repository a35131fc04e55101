package plugins

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// fairQueue gives out a number of slots, those of a plugin's process. Waiting
// calls are served in turns by tenant, then by instance, and first come, first served
// within both: a tenant with hundreds of waiting calls, on however many instances, delays
// a call of another tenant by one slot at most.
//
// Where several instances share the process, an instance gets a slot only while
// more are free than it has, and so does a tenant with all its instances. One whose
// upstream hangs so takes half of the slots and no more, a second one half of the rest, and some are
// left for all others: a slot that is held cannot be had back, and so some must be free
// before they are needed. A fixed share would leave none once there are more instances
// that hang than shares.
//
// An upstream that takes few calls at once gets no more: what waits, waits here, where
// it does so in turns, and not in a line of the upstream's that knows no tenants.
type fairQueue struct {
	mu     sync.Mutex
	slots  int
	free   int                      // below zero while there are fewer slots than calls
	turns  *list.List               // *queueTenant, those that wait; next turn first
	places map[string]*list.Element // into turns, by tenant
	all    int                      // calls that wait
	held   map[string]int           // slots by instance; none is zero
	holds  map[string]int           // slots by tenant; none is zero
	busy   map[string]int           // slots by upstream, of those that have a limit; none is zero
	rivals func() bool              // whether several instances share the process; nil is never
}

// queueTenant is a tenant's waiting calls; it is never empty.
type queueTenant struct {
	tenant string
	lines  *list.List               // *queueLine; next turn first
	places map[string]*list.Element // into lines, by instance
	calls  int
}

// queueLine is a tenant's waiting calls on one instance; it is never empty. A tenant that
// was configured anew does not wait behind its calls to what it had before.
type queueLine struct {
	instance string
	waiting  *list.List // *waiter
}

// capacity is how many calls an upstream takes at once; the zero value is any number.
type capacity struct {
	upstream string
	parallel int
}

type waiter struct {
	room    capacity
	place   *list.Element // in its line
	granted chan struct{} // closed, under the lock, when the slot is the waiter's
}

func newFairQueue(slots int, rivals func() bool) *fairQueue {
	return &fairQueue{
		slots: slots, free: slots, turns: list.New(), places: map[string]*list.Element{},
		held: map[string]int{}, holds: map[string]int{}, busy: map[string]int{}, rivals: rivals,
	}
}

// acquire waits for a slot, and for room at the upstream. The release function must be
// called exactly once.
func (q *fairQueue) acquire(ctx context.Context, instance string, room capacity, tenant string) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Of(err)
	}
	release = func() { q.release(instance, room, tenant) }
	q.mu.Lock()
	if q.turns.Len() == 0 && q.mayLocked(instance, room, tenant) {
		q.takeLocked(instance, room, tenant)
		q.mu.Unlock()
		return release, nil
	}
	w, err := q.joinLocked(instance, room, tenant)
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
		q.putLocked(instance, room, tenant)
		q.grantLocked()
	default:
		place := q.places[tenant]
		q.leaveLocked(place, place.Value.(*queueTenant).places[instance], w.place)
	}
	return nil, fault.New(fault.Of(ctx.Err()).Class, "no slot of the plugin became free in time: %w", ctx.Err())
}

// joinLocked has a call wait, unless too many do. Locked: mu is held.
func (q *fairQueue) joinLocked(instance string, room capacity, tenant string) (*waiter, error) {
	place, ok := q.places[tenant]
	switch {
	case ok && place.Value.(*queueTenant).calls >= bounds.WaitingCalls:
		return nil, fault.New(fault.RateLimited, "%d calls of this tenant are waiting for the plugin", bounds.WaitingCalls).After(time.Second)
	case q.all >= bounds.WaitingCallsOfAll:
		return nil, fault.New(fault.PluginUnavailable, "%d calls are waiting for the plugin", bounds.WaitingCallsOfAll).By(fault.PartyHost).After(time.Second)
	case !ok:
		place = q.turns.PushBack(&queueTenant{tenant: tenant, lines: list.New(), places: map[string]*list.Element{}})
		q.places[tenant] = place
	}
	own := place.Value.(*queueTenant)
	line, ok := own.places[instance]
	if !ok {
		line = own.lines.PushBack(&queueLine{instance: instance, waiting: list.New()})
		own.places[instance] = line
	}
	w := &waiter{room: room, granted: make(chan struct{})}
	w.place = line.Value.(*queueLine).waiting.PushBack(w)
	own.calls++
	q.all++
	q.grantLocked() // what waits may wait for its own instance alone
	return w, nil
}

// leaveLocked takes a call out of its line, and what is empty then. Locked: mu is held.
func (q *fairQueue) leaveLocked(place, line, call *list.Element) {
	own, calls := place.Value.(*queueTenant), line.Value.(*queueLine)
	calls.waiting.Remove(call)
	own.calls--
	q.all--
	if calls.waiting.Len() == 0 {
		own.lines.Remove(line)
		delete(own.places, calls.instance)
	}
	if own.calls == 0 {
		q.turns.Remove(place)
		delete(q.places, own.tenant)
	}
}

func (q *fairQueue) release(instance string, room capacity, tenant string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.putLocked(instance, room, tenant)
	q.grantLocked()
}

// resize changes how many slots there are. Fewer count as calls end: none is cut off.
func (q *fairQueue) resize(slots int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free += slots - q.slots
	q.slots = slots
	q.grantLocked()
}

// mayLocked reports whether the tenant may have another slot for the instance. Locked: mu
// is held.
func (q *fairQueue) mayLocked(instance string, room capacity, tenant string) bool {
	if q.free <= 0 || room.parallel > 0 && q.busy[room.upstream] >= room.parallel {
		return false
	}
	n := max(q.held[instance], q.holds[tenant])
	return n < q.free || q.rivals == nil || !q.rivals()
}

// takeLocked and putLocked count a slot out and in. Locked: mu is held.
func (q *fairQueue) takeLocked(instance string, room capacity, tenant string) {
	q.free--
	q.held[instance]++
	q.holds[tenant]++
	if room.parallel > 0 {
		q.busy[room.upstream]++
	}
}

func (q *fairQueue) putLocked(instance string, room capacity, tenant string) {
	q.free++
	lower(q.held, instance)
	lower(q.holds, tenant)
	if room.parallel > 0 {
		lower(q.busy, room.upstream)
	}
}

func lower(counts map[string]int, name string) {
	if counts[name]--; counts[name] == 0 {
		delete(counts, name)
	}
}

// grantLocked hands free slots to the tenants whose turn it is. Locked: mu is held.
func (q *fairQueue) grantLocked() {
	for place := q.turns.Front(); place != nil && q.free > 0; {
		next := place.Next()
		if q.grantOneLocked(place) && next == nil {
			next = q.turns.Front() // another round
		}
		place = next
	}
}

// grantOneLocked hands a slot to the instance of the tenant whose turn it is, and reports
// whether one may have it. Locked: mu is held.
func (q *fairQueue) grantOneLocked(place *list.Element) bool {
	own := place.Value.(*queueTenant)
	for line := own.lines.Front(); line != nil; line = line.Next() {
		calls := line.Value.(*queueLine)
		first := calls.waiting.Front()
		w := first.Value.(*waiter)
		if !q.mayLocked(calls.instance, w.room, own.tenant) {
			continue
		}
		q.takeLocked(calls.instance, w.room, own.tenant)
		own.lines.MoveToBack(line)
		q.turns.MoveToBack(place)
		q.leaveLocked(place, line, first)
		close(w.granted)
		return true
	}
	return false
}

// waiting counts the calls that wait.
func (q *fairQueue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.all
}
