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
type fairQueue struct {
	mu     sync.Mutex
	slots  int
	free   int                         // below zero while there are fewer slots than calls
	turns  *list.List                  // *queueLine, those that wait; next turn first
	lines  map[queueName]*list.Element // into turns
	held   map[string]int              // slots by instance; none is zero
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

type waiter struct {
	granted chan struct{} // closed, under the lock, when the slot is the waiter's
}

func newFairQueue(slots int, rivals func() bool) *fairQueue {
	return &fairQueue{
		slots: slots, free: slots, turns: list.New(), lines: map[queueName]*list.Element{}, held: map[string]int{}, rivals: rivals,
	}
}

// acquire waits for a slot. The release function must be called exactly once.
func (q *fairQueue) acquire(ctx context.Context, instance, tenant string) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Of(err)
	}
	name := queueName{instance, tenant}
	release = func() { q.release(instance) }
	q.mu.Lock()
	if q.turns.Len() == 0 && q.may(instance) {
		q.take(instance)
		q.mu.Unlock()
		return release, nil
	}
	line, ok := q.lines[name]
	if ok && line.Value.(*queueLine).waiting.Len() >= maxWaiting {
		q.mu.Unlock()
		return nil, fault.New(fault.RateLimited, "%d calls of this tenant are waiting for the plugin", maxWaiting).After(time.Second)
	}
	if !ok {
		line = q.turns.PushBack(&queueLine{name, list.New()})
		q.lines[name] = line
	}
	own := line.Value.(*queueLine)
	w := &waiter{granted: make(chan struct{})}
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
		q.put(instance)
		q.grant()
	default:
		own.waiting.Remove(place)
		q.drop(line)
	}
	return nil, fault.New(fault.Of(ctx.Err()).Class, "no slot of the plugin became free in time: %w", ctx.Err())
}

func (q *fairQueue) release(instance string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.put(instance)
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
func (q *fairQueue) may(instance string) bool {
	if q.free <= 0 {
		return false
	}
	n := q.held[instance]
	return n < q.free || q.rivals == nil || !q.rivals()
}

// take and put count a slot out and in. The lock is held.
func (q *fairQueue) take(instance string) {
	q.free--
	q.held[instance]++
}

func (q *fairQueue) put(instance string) {
	q.free++
	if q.held[instance]--; q.held[instance] == 0 {
		delete(q.held, instance)
	}
}

// grant hands free slots to the lines whose turn it is. The lock is held.
func (q *fairQueue) grant() {
	for line := q.turns.Front(); line != nil && q.free > 0; {
		next := line.Next()
		own := line.Value.(*queueLine)
		if q.may(own.instance) {
			q.take(own.instance)
			q.turns.MoveToBack(line)
			w := own.waiting.Remove(own.waiting.Front()).(*waiter)
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
