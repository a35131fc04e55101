package follow

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// queue decides which tenant's step is next. A tenant is in the queue once, and has one step at a
// time. A tenant with more to do goes behind all others. A tenant whose step failed waits for a
// while, and such tenants together have at most half of the workers.
type queue struct {
	mu       sync.Mutex
	changed  sync.Cond // signaled when take or awaitRoom may be able to return
	tenants  map[string]*queued
	ready    []string
	suspects int // running steps of tenants whose last step failed
	stopped  bool
}

// queued is the state of a tenant that waits, pauses or has a running step.
type queued struct {
	running  bool
	suspect  bool // counted in suspects
	again    bool // something happened during the step
	failures int
	pause    *time.Timer // nil unless the tenant pauses
}

func newQueue() *queue {
	q := &queue{tenants: map[string]*queued{}}
	q.changed.L = &q.mu
	return q
}

// add queues the tenant unless it is queued. A tenant that pauses after a failure keeps pausing. One
// that pauses because other hosts have claimed the rest is queued at once.
func (q *queue) add(tenant string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.tenants[tenant]
	switch {
	case q.stopped:
	case t == nil:
		q.tenants[tenant] = &queued{}
		q.pushLocked(tenant)
	case t.running:
		t.again = true
	case t.pause != nil && t.failures == 0:
		t.pause.Stop()
		t.pause = nil
		q.pushLocked(tenant)
	}
}

// pushLocked puts the tenant behind all others. Locked: mu is held.
func (q *queue) pushLocked(tenant string) {
	q.ready = append(q.ready, tenant)
	q.changed.Broadcast()
}

// take waits for a tenant whose step may run now. The caller calls finish after the step. ok is false
// after stop.
func (q *queue) take() (tenant string, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.stopped {
		for i, tenant := range q.ready {
			t := q.tenants[tenant]
			if t.failures > 0 && q.suspects >= bounds.FollowAtOnce/2 {
				continue
			}
			q.ready = append(q.ready[:i:i], q.ready[i+1:]...)
			t.running, t.again = true, false
			if t.suspect = t.failures > 0; t.suspect {
				q.suspects++
			}
			return tenant, true
		}
		q.changed.Wait()
	}
	return "", false
}

// next says when the next step of a tenant is due.
type next int

const (
	nothing next = iota // after the next Touch, or the next sweep
	now                 // there is more to do
	held                // after a pause, because other hosts have claimed the rest
)

// finish ends the step of a tenant.
func (q *queue) finish(tenant string, due next, failed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.tenants[tenant]
	t.running = false
	if t.suspect {
		q.suspects--
	}
	switch {
	case q.stopped:
	case failed:
		t.failures++
		q.pauseLocked(tenant, t, min(firstBackoff<<min(t.failures-1, 10), longestBackoff))
	case due == now || t.again:
		t.failures = 0
		q.pushLocked(tenant)
	case due == held:
		t.failures = 0
		q.pauseLocked(tenant, t, heldPause)
	default:
		delete(q.tenants, tenant)
	}
	q.changed.Broadcast()
}

// pauseLocked queues the tenant after a pause. Locked: mu is held.
func (q *queue) pauseLocked(tenant string, t *queued, pause time.Duration) {
	t.pause = time.AfterFunc(pause, func() { q.resume(tenant, t) })
}

// resume queues a tenant whose pause has ended.
func (q *queue) resume(tenant string, t *queued) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.pause != nil && !q.stopped && q.tenants[tenant] == t {
		t.pause = nil
		q.pushLocked(tenant)
	}
}

// waiting returns how many tenants wait for a step, those that pause included.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, t := range q.tenants {
		if !t.running {
			n++
		}
	}
	return n
}

// awaitRoom waits until fewer than n tenants are ready.
func (q *queue) awaitRoom(ctx context.Context, n int) error {
	defer context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.changed.Broadcast()
	})()
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.ready) >= n && ctx.Err() == nil {
		q.changed.Wait()
	}
	return context.Cause(ctx)
}

// stop ends the queue: take returns no more tenants, and no pause goes on.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped = true
	for _, t := range q.tenants {
		if t.pause != nil {
			t.pause.Stop()
		}
	}
	q.changed.Broadcast()
}
