package archive

import (
	"context"
	"slices"
	"sync"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/registry"
)

// retentionQueue decides which tenant's data in which storage is looked through next, in one
// pass of retention. Workers take visits from it. Its rules keep tenants and storages out of
// each other's way:
//
//   - A storage has one visit at a time. Different storages are visited at once.
//   - A tenant has bounds.RetainOfTenant visits at a time.
//   - A visit that takes long ends early and queues again behind the storage's other visits.
//   - A storage that fails bounds.RetainFailures times in a row is left for the next pass.
type retentionQueue struct {
	a *Archive

	mu       sync.Mutex
	changed  sync.Cond                   // signaled when take may have something new to return
	storages map[string]*retainedStorage // by the digest of the storage's configuration
	ready    []*retainedStorage          // those with visits and no worker; the first is next
	visiting map[string]int              // by tenant: how many of its visits are being made
	atWork   int                         // visits that are being made
	complete bool                        // no visits are added any more
	stopped  bool                        // ctx ended

	done   Retained
	failed map[string]bool // tenants
}

// retainedStorage is a storage with the visits that wait for it.
type retainedStorage struct {
	digest   string
	visits   []*visit
	atWork   bool
	failures int // visits in a row that failed since the storage did not answer
}

// visit is one tenant's turn in one storage.
type visit struct {
	tenant string
	after  string // the last conversation that was looked at; empty for none
}

// newRetentionQueue returns an empty queue. When ctx ends, take returns no more visits. The
// caller calls stop when it is done.
func newRetentionQueue(ctx context.Context, a *Archive) (q *retentionQueue, stop func() bool) {
	q = &retentionQueue{a: a, storages: map[string]*retainedStorage{}, visiting: map[string]int{}, failed: map[string]bool{}}
	q.changed.L = &q.mu
	return q, context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.stopped = true
		q.changed.Broadcast()
	})
}

// add queues a visit of the tenant to each of its storages.
func (q *retentionQueue) add(e *registry.Snapshot) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.done.Tenants++
	for _, b := range e.Incarnation.Storages {
		at := q.storages[b.Digest]
		if at == nil {
			at = &retainedStorage{digest: b.Digest}
			q.storages[b.Digest] = at
		}
		if at.failures >= bounds.RetainFailures {
			q.failed[e.Tenant] = true
			continue
		}
		at.visits = append(at.visits, &visit{tenant: e.Tenant})
		if len(at.visits) == 1 && !at.atWork {
			q.ready = append(q.ready, at)
		}
	}
	q.changed.Broadcast()
}

// allAdded notes that add is not called any more.
func (q *retentionQueue) allAdded() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.complete = true
	q.changed.Broadcast()
}

// take waits for a visit that may be made now. The worker gives it back by finish. ok is
// false when the pass is over.
func (q *retentionQueue) take() (at *retainedStorage, v *visit, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if q.stopped || q.complete && q.atWork == 0 && len(q.ready) == 0 {
			return nil, nil, false
		}
		for i, at := range q.ready {
			v := at.visits[0]
			if q.visiting[v.tenant] >= bounds.RetainOfTenant {
				continue
			}
			q.ready = slices.Delete(q.ready, i, i+1)
			at.visits, at.atWork = at.visits[1:], true
			q.visiting[v.tenant]++
			q.atWork++
			return at, v, true
		}
		q.changed.Wait()
	}
}

// finish ends a visit. With more, it is queued again behind the storage's others.
func (q *retentionQueue) finish(at *retainedStorage, v *visit, more bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.atWork--
	at.atWork = false
	if q.visiting[v.tenant]--; q.visiting[v.tenant] == 0 {
		delete(q.visiting, v.tenant)
	}
	switch {
	case q.stopped:
	case err != nil:
		q.failLocked(at, v, err)
	default:
		at.failures = 0
		if more {
			at.visits = append(at.visits, v)
		}
	}
	if len(at.visits) > 0 {
		q.ready = append(q.ready, at)
	}
	q.changed.Broadcast()
}

// failLocked notes that a visit failed. If the storage failed too often, its other visits
// are dropped and count as failed. Locked: mu is held.
func (q *retentionQueue) failLocked(at *retainedStorage, v *visit, err error) {
	q.failed[v.tenant] = true
	q.a.o.Log.Warn("a tenant's old conversations could not be deleted", "tenant", v.tenant, "error", err)
	if at.failures++; !transient(err) {
		at.failures = 0 // the storage answered
	}
	if at.failures < bounds.RetainFailures {
		return
	}
	q.a.o.Log.Warn("a storage does not answer; the other tenants that have it are left for the next time", "digest", at.digest, "tenants", len(at.visits))
	for _, other := range at.visits {
		q.failed[other.tenant] = true
	}
	at.visits = nil
}

// work makes visits until the pass is over.
func (q *retentionQueue) work(ctx context.Context) {
	for {
		at, v, ok := q.take()
		if !ok {
			return
		}
		more, err := q.makeVisit(ctx, at.digest, v)
		q.finish(at, v, more, err)
	}
}
