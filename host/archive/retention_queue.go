package archive

import (
	"context"
	"slices"
	"sync"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/registry"
)

// retentionQueue decides, in one pass of retention, which tenant is processed next in which
// storage. The processing of one tenant in one storage is a visit. Workers take visits from the
// queue. The rules of the queue prevent that one tenant or one storage delays the others:
//
//   - A storage has one visit at a time. Different storages have visits at the same time.
//   - A tenant has at most bounds.RetainOfTenant visits at a time.
//   - A visit that takes long ends early, and is queued again behind the storage's other visits.
//   - A storage that fails bounds.RetainFailures times in a row gets no more visits in this pass.
type retentionQueue struct {
	a *Archive

	mu       sync.Mutex
	changed  sync.Cond                   // signaled when take may be able to return
	storages map[string]*retainedStorage // by the digest of the storage's configuration
	ready    []*retainedStorage          // storages with queued visits and without a running visit; the first is next
	visiting map[string]int              // by tenant: how many of its visits run
	atWork   int                         // how many visits run
	complete bool                        // add is not called any more
	stopped  bool                        // the context of the pass has ended

	done   Retained
	failed map[string]bool // tenants with a failed visit
}

// retainedStorage is a storage with its queued visits.
type retainedStorage struct {
	digest   string
	visits   []*visit
	atWork   bool
	failures int // how many visits have failed in a row because the storage did not respond
}

// visit is the processing of one tenant in one storage.
type visit struct {
	tenant string
	after  string // the id of the last processed conversation; empty before the first
}

// newRetentionQueue returns an empty queue. After ctx has ended, take returns no more visits.
// The caller calls stop when the pass is over.
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

// add queues one visit of the tenant for each of the tenant's storages.
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

// allAdded tells the queue that add is not called any more.
func (q *retentionQueue) allAdded() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.complete = true
	q.changed.Broadcast()
}

// take waits for a visit that may run now. The worker calls finish after the visit. ok is false
// when the pass is over.
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

// finish ends a visit. If more is true, finish queues the visit again behind the storage's
// other visits.
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

// failLocked records that a visit failed. If the storage has failed bounds.RetainFailures times
// in a row, failLocked drops the storage's queued visits, and their tenants count as failed.
// Locked: mu is held.
func (q *retentionQueue) failLocked(at *retainedStorage, v *visit, err error) {
	q.failed[v.tenant] = true
	q.a.o.Log.Warn("a tenant's old conversations could not be deleted", "tenant", v.tenant, "error", err)
	if at.failures++; !transient(err) {
		at.failures = 0 // The storage has responded, so the failures in a row end.
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

// work makes one visit after another until the pass is over.
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
