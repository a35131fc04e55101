package pgstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

const (
	// maxBatch is the maximum number of calls in one transaction. Four calls in one transaction
	// halve the cost of a turn for the server. More than eight calls save little beyond that.
	maxBatch = 8
	// maxBatchWait is the longest time that a call waits for another pipeline of its tenant to end.
	// In a healthy database a pipeline takes less time.
	maxBatchWait = 5 * time.Millisecond
	// maxBatchBytes and maxBatchTail decide which calls are too large for a batch. A call with more
	// than maxBatchBytes of arguments has its own transaction. So has a Begin that reads a tail of
	// more than twice maxBatchTail messages. In a batch these calls would delay the other calls.
	maxBatchBytes = 64 << 10
	maxBatchTail  = 100
)

// job has the statements of one call. A job may share a transaction with other jobs of its tenant,
// because it locks only the row of its conversation. Its statements may be sent twice.
type job struct {
	ctx     context.Context
	cid     int64 // database id of the conversation
	queries []query
	done    chan outcome // has a buffer of one, so that sending an outcome never blocks
}

// outcome tells the goroutine of a waiting call what to do next. If lead is set, the goroutine runs
// the batch lead and then waits for its own outcome. If retryAlone is set, the statements of the
// call had no effect, and the goroutine sends them in their own transaction. Otherwise err is the
// result of the call.
type outcome struct {
	err        error
	retryAlone bool
	lead       []*job
}

// batcher collects calls of one tenant that arrive while a pipeline of that tenant is running. If
// no pipeline of the tenant is running, a call is sent at once. Otherwise the call waits until a
// pipeline ends, until maxBatchWait has passed, or until maxBatch calls wait. Then all waiting
// calls are sent in one transaction.
type batcher struct {
	mu      sync.Mutex
	tenants map[string]*tenantQueue // has only tenants with a running pipeline or waiting jobs
}

// tenantQueue has the running pipelines and the waiting jobs of one tenant.
type tenantQueue struct {
	running int // number of pipelines
	waiting []*job
	timer   *time.Timer // dispatches the waiting jobs after maxBatchWait
}

// runBatched runs the statements of one call, in a batch if possible. A call with more than
// maxBatchBytes of arguments has its own transaction. If runBatched returns an error, the scan
// functions of the queries may still be running, so that the caller must not read the variables that
// these functions write.
func (s *Store) runBatched(ctx context.Context, tenant string, cid int64, queries ...query) error {
	if argumentBytes(queries) > maxBatchBytes {
		return s.run(ctx, scope{tenant: tenant}, queries...)
	}
	j := &job{ctx: ctx, cid: cid, queries: queries, done: make(chan outcome, 1)}
	if s.enqueue(tenant, j) {
		defer s.pipelineEnded(tenant)
		return s.run(ctx, scope{tenant: tenant}, queries...)
	}
	var o outcome
	select {
	case o = <-j.done:
	case <-ctx.Done():
		s.withdraw(tenant, j)
		return s.fail(ctx, ctx.Err())
	}
	if o.lead != nil {
		defer s.pipelineEnded(tenant)
		s.runBatch(tenant, o.lead)
		o = <-j.done
	}
	if o.retryAlone {
		return s.run(ctx, scope{tenant: tenant}, queries...)
	}
	return o.err
}

// enqueue reports whether the call may be sent at once. If it may, the caller sends the call and
// then calls pipelineEnded. Otherwise the job waits, and later receives an outcome on its channel
// done.
func (s *Store) enqueue(tenant string, j *job) bool {
	s.batcher.mu.Lock()
	defer s.batcher.mu.Unlock()
	q := s.batcher.tenants[tenant]
	if q == nil {
		s.batcher.tenants[tenant] = &tenantQueue{running: 1}
		return true
	}
	q.waiting = append(q.waiting, j)
	switch {
	case len(q.waiting) >= maxBatch:
		s.dispatchLocked(q)
	case len(q.waiting) == 1:
		q.timer = time.AfterFunc(maxBatchWait, func() {
			s.batcher.mu.Lock()
			defer s.batcher.mu.Unlock()
			if len(q.waiting) > 0 {
				s.dispatchLocked(q)
			}
		})
	}
	return false
}

// pipelineEnded counts one running pipeline of the tenant less, and dispatches the waiting jobs.
func (s *Store) pipelineEnded(tenant string) {
	s.batcher.mu.Lock()
	defer s.batcher.mu.Unlock()
	q := s.batcher.tenants[tenant]
	q.running--
	switch {
	case len(q.waiting) > 0:
		s.dispatchLocked(q)
	case q.running == 0:
		delete(s.batcher.tenants, tenant)
	}
}

// dispatchLocked starts a batch of all waiting jobs. It makes the goroutine of the first job run
// the batch, because a new goroutine would have to grow its stack for each transaction. Locked: mu
// is held.
func (s *Store) dispatchLocked(q *tenantQueue) {
	jobs := q.waiting
	q.waiting = nil
	q.running++
	q.timer.Stop()
	jobs[0].done <- outcome{lead: jobs}
}

// withdraw removes the job of a caller whose context has ended. If the job was chosen to run a
// batch, a new goroutine runs the batch.
func (s *Store) withdraw(tenant string, j *job) {
	s.batcher.mu.Lock()
	defer s.batcher.mu.Unlock()
	if q := s.batcher.tenants[tenant]; q != nil {
		q.waiting = slices.DeleteFunc(q.waiting, func(other *job) bool { return other == j })
	}
	select {
	case o := <-j.done:
		if o.lead != nil {
			go func() {
				defer s.pipelineEnded(tenant)
				s.runBatch(tenant, o.lead)
			}()
		}
	default: // the job was waiting, or another job runs its batch and checks the context
	}
}

// runBatch runs the jobs in one transaction and sends an outcome to each job. It leaves out jobs
// whose context has ended. If the transaction fails, the outcome of each job is retryAlone.
func (s *Store) runBatch(tenant string, jobs []*job) {
	o := outcome{retryAlone: true}
	var live []*job
	for _, j := range jobs {
		if j.ctx.Err() != nil {
			j.done <- o // the caller returns the error of its context
			continue
		}
		live = append(live, j)
	}
	defer func() {
		for _, j := range live {
			j.done <- o
		}
	}()
	if len(live) < 2 {
		return
	}
	// All batches lock conversations in the order of their database ids, so that two batches cannot
	// deadlock.
	slices.SortStableFunc(live, func(a, b *job) int { return cmp.Compare(a.cid, b.cid) })
	ctx, cancel := context.WithCancel(s.lifetime)
	defer cancel()
	var ended atomic.Int64
	var all []query
	for _, j := range live {
		all = append(all, j.queries...)
		stop := context.AfterFunc(j.ctx, func() {
			if ended.Add(1) == int64(len(live)) { // all callers have left
				cancel()
			}
		})
		defer stop()
	}
	err := s.runOnce(ctx, scope{tenant: tenant, batched: true}, all)
	o.retryAlone = err != nil
	var known *fault.Error
	// No statement was sent, and each call alone would fail with the same error.
	if errors.As(err, &known) {
		o = outcome{err: s.fail(ctx, err)}
	}
}

// argumentBytes returns the approximate number of bytes of the queries' arguments.
func argumentBytes(queries []query) (n int) {
	for _, q := range queries {
		for _, a := range q.args {
			if text, ok := a.(string); ok {
				n += len(text)
			}
		}
	}
	return n
}
