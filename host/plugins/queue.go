package plugins

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// maxWaiting bounds the calls of one tenant that wait at one plugin.
const maxWaiting = 1024

// fairQueue gives out a number of slots, those of a plugin's process. Waiting
// calls are served in turns by tenant, and first come, first served within a
// tenant: a tenant with hundreds of waiting calls delays a call of another tenant
// by one slot at most.
//
// Where several instances share the process, an instance gets a slot only while
// more are free than it has. One whose upstream hangs so takes half of the slots
// and no more, a second one half of the rest, and some are left for all others: a
// slot that is held cannot be had back, and so some must be free before they are
// needed. A fixed share would leave none once there are more instances that hang
// than shares.
//
// An upstream that takes few calls at once gets no more: what waits, waits here, where
// it does so in turns, and not in a line of the upstream's that knows no tenants.
type fairQueue struct {
	mu     sync.Mutex
	slots  int
	free   int                         // below zero while there are fewer slots than calls
	turns  *list.List                  // *queueLine, those that wait; next turn first
	lines  map[queueName]*list.Element // into turns
	held   map[string]int              // slots by instance; none is zero
	busy   map[string]int              // slots by upstream, of those that have a limit; none is zero
	rivals func() bool                 // whether several instances share the process; nil is never
}

// queueName is a tenant's calls on one instance. A tenant that was configured anew
// does not wait behind its calls to what it had before.
type queueName struct{ instance, tenant string }

// queueLine is the waiting calls under one name; it is never empty.
type queueLine struct {
	queueName
	waiting *list.List // *waiter
}

// capacity is how many calls an upstream takes at once; the zero value is any number.
type capacity struct {
	upstream string
	parallel int
}

type waiter struct {
	room    capacity
	granted chan struct{} // closed, under the lock, when the slot is the waiter's
}

func newFairQueue(slots int, rivals func() bool) *fairQueue {
	return &fairQueue{
		slots: slots, free: slots, turns: list.New(), lines: map[queueName]*list.Element{}, held: map[string]int{}, busy: map[string]int{},
		rivals: rivals,
	}
}

// acquire waits for a slot, and for room at the upstream. The release function must be
// called exactly once.
func (q *fairQueue) acquire(ctx context.Context, instance string, room capacity, tenant string) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Of(err)
	}
	name := queueName{instance, tenant}
	release = func() { q.release(instance, room) }
	q.mu.Lock()
	if q.turns.Len() == 0 && q.may(instance, room) {
		q.take(instance, room)
		q.mu.Unlock()
		return release, nil
	}
	line, ok := q.lines[name]
	if ok && line.Value.(*queueLine).waiting.Len() >= maxWaiting {
		q.mu.Unlock()
		return nil, fault.New(fault.RateLimited, "%d calls of this tenant are waiting for the plugin", maxWaiting).After(time.Second)
	}
	if !ok {
		line = q.turns.PushBack(&queueLine{queueName: name, waiting: list.New()})
		q.lines[name] = line
	}
	own := line.Value.(*queueLine)
	w := &waiter{room: room, granted: make(chan struct{})}
	place := own.waiting.PushBack(w)
	q.grant() // what waits may wait for its own instance alone
	q.mu.Unlock()

	select {
	case <-w.granted:
		return release, nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-w.granted: // at the same moment: pass it on
		q.put(instance, room)
		q.grant()
	default:
		own.waiting.Remove(place)
		q.drop(line)
	}
	return nil, fault.New(fault.Of(ctx.Err()).Class, "no slot of the plugin became free in time: %w", ctx.Err())
}

func (q *fairQueue) release(instance string, room capacity) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.put(instance, room)
	q.grant()
}

// resize changes how many slots there are. Fewer count as calls end: none is cut off.
func (q *fairQueue) resize(slots int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free += slots - q.slots
	q.slots = slots
	q.grant()
}

// may reports whether the instance may have another slot. The lock is held.
func (q *fairQueue) may(instance string, room capacity) bool {
	if q.free <= 0 || room.parallel > 0 && q.busy[room.upstream] >= room.parallel {
		return false
	}
	n := q.held[instance]
	return n < q.free || q.rivals == nil || !q.rivals()
}

// take and put count a slot out and in. The lock is held.
func (q *fairQueue) take(instance string, room capacity) {
	q.free--
	q.held[instance]++
	if room.parallel > 0 {
		q.busy[room.upstream]++
	}
}

func (q *fairQueue) put(instance string, room capacity) {
	q.free++
	lower(q.held, instance)
	if room.parallel > 0 {
		lower(q.busy, room.upstream)
	}
}

func lower(counts map[string]int, name string) {
	if counts[name]--; counts[name] == 0 {
		delete(counts, name)
	}
}

// grant hands free slots to the lines whose turn it is. The lock is held.
func (q *fairQueue) grant() {
	for line := q.turns.Front(); line != nil && q.free > 0; {
		next := line.Next()
		own := line.Value.(*queueLine)
		if w := own.waiting.Front().Value.(*waiter); q.may(own.instance, w.room) {
			q.take(own.instance, w.room)
			q.turns.MoveToBack(line)
			own.waiting.Remove(own.waiting.Front())
			q.drop(line)
			close(w.granted)
			if next == nil {
				next = q.turns.Front() // another round
			}
		}
		line = next
	}
}

// drop removes a line that is empty. The lock is held.
func (q *fairQueue) drop(line *list.Element) {
	if own := line.Value.(*queueLine); own.waiting.Len() == 0 {
		q.turns.Remove(line)
		delete(q.lines, own.queueName)
	}
}

// waiting counts the calls that wait.
func (q *fairQueue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for e := q.turns.Front(); e != nil; e = e.Next() {
		n += e.Value.(*queueLine).waiting.Len()
	}
	return n
}
