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

// fairQueue gives out a fixed number of slots. Waiting calls are served in turns
// by tenant, and first come, first served within a tenant: a tenant with hundreds
// of waiting calls delays a call of another tenant by one slot at most.
type fairQueue struct {
	mu     sync.Mutex
	free   int
	turns  *list.List               // *tenantLine, those that wait; next turn first
	byName map[string]*list.Element // into turns
}

// tenantLine is the waiting calls of one tenant; it is never empty.
type tenantLine struct {
	tenant  string
	waiting *list.List // *waiter
}

type waiter struct {
	granted chan struct{} // closed, under the lock, when the slot is the waiter's
}

func newFairQueue(slots int) *fairQueue {
	return &fairQueue{free: slots, turns: list.New(), byName: map[string]*list.Element{}}
}

// acquire waits for a slot. The release function must be called exactly once.
func (q *fairQueue) acquire(ctx context.Context, tenant string) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Of(err)
	}
	q.mu.Lock()
	if q.free > 0 { // then nobody waits
		q.free--
		q.mu.Unlock()
		return q.release, nil
	}
	line, ok := q.byName[tenant]
	if !ok {
		line = q.turns.PushBack(&tenantLine{tenant: tenant, waiting: list.New()})
		q.byName[tenant] = line
	}
	own := line.Value.(*tenantLine)
	if own.waiting.Len() >= maxWaiting {
		q.mu.Unlock()
		return nil, fault.New(fault.RateLimited, "%d calls of this tenant are waiting for the plugin", maxWaiting).After(time.Second)
	}
	w := &waiter{granted: make(chan struct{})}
	place := own.waiting.PushBack(w)
	q.mu.Unlock()

	select {
	case <-w.granted:
		return q.release, nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-w.granted: // at the same moment: pass it on
		q.next()
	default:
		own.waiting.Remove(place)
		if own.waiting.Len() == 0 {
			q.turns.Remove(line)
			delete(q.byName, tenant)
		}
	}
	return nil, fault.New(fault.Of(ctx.Err()).Class, "no slot of the plugin became free in time: %w", ctx.Err())
}

func (q *fairQueue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next()
}

// next hands one slot to the tenant whose turn it is. The lock is held.
func (q *fairQueue) next() {
	line := q.turns.Front()
	if line == nil {
		q.free++
		return
	}
	own := line.Value.(*tenantLine)
	w := own.waiting.Remove(own.waiting.Front()).(*waiter)
	if own.waiting.Len() == 0 {
		q.turns.Remove(line)
		delete(q.byName, own.tenant)
	} else {
		q.turns.MoveToBack(line)
	}
	close(w.granted)
}

// waiting counts the calls that wait.
func (q *fairQueue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for e := q.turns.Front(); e != nil; e = e.Next() {
		n += e.Value.(*tenantLine).waiting.Len()
	}
	return n
}
