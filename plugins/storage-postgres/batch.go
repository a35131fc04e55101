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
	// maxBatch is how many calls share a transaction at most. Four calls together halve what
	// a turn costs the server, and more than eight save little beyond that.
	maxBatch = 8
	// maxBatchWait is how long a call waits for another pipeline of its tenant to end. A
	// healthy database needs less.
	maxBatchWait = 5 * time.Millisecond
	// A call with more than maxBatchBytes of arguments, or with a tail of many more messages
	// than maxBatchTail, is sent alone: in a batch it would keep the others waiting.
	maxBatchBytes = 64 << 10
	maxBatchTail  = 100
)

// job is the statements of one call. It may share a transaction with other jobs of its
// tenant: it locks the row of one conversation only, and may be sent twice.
type job struct {
	ctx     context.Context
	cid     int64 // number of the conversation
	queries []query
	done    chan outcome // buffered, so that a send never blocks
}

// outcome tells a waiting call what to do next. With lead set, the call runs the batch and
// then waits for its own outcome. With retryAlone, its statements have had no effect and
// it sends them by itself. Otherwise err is the call's result.
type outcome struct {
	err        error
	retryAlone bool
	lead       []*job
}

// batcher gathers calls of one tenant that arrive while a pipeline of that tenant is
// running. If nothing is running, a call is sent at once. Otherwise it waits until the
// pipeline ends, until maxBatchWait has passed, or until maxBatch calls wait. Then all
// waiting calls are sent in one transaction.
type batcher struct {
	mu      sync.Mutex
	tenants map[string]*tenantQueue // only tenants with a running pipeline or waiting jobs
}

// tenantQueue is the running and waiting work of one tenant.
type tenantQueue struct {
	running int // pipelines
	waiting []*job
	timer   *time.Timer // dispatches waiting after maxBatchWait
}

// runBatched runs the statements of one call, in a batch if possible. A heavy call is sent
// alone. When it returns an error, the statements may still be running: the caller must not
// read what their scan functions write to.
func (s *Store) runBatched(ctx context.Context, tenant string, cid int64, heavy bool, queries ...query) error {
	if heavy || argumentBytes(queries) > maxBatchBytes {
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

// enqueue reports whether the call may be sent at once. Then the caller must call
// pipelineEnded afterwards. Otherwise the job waits, and its done channel gets an outcome.
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

// pipelineEnded notes that a pipeline of the tenant has ended. Waiting jobs are dispatched.
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

// dispatchLocked starts a batch of all waiting jobs. The goroutine of the first job runs it. A
// new goroutine would be slower: its stack would have to grow for each transaction. Locked: mu
// is held.
func (s *Store) dispatchLocked(q *tenantQueue) {
	jobs := q.waiting
	q.waiting = nil
	q.running++
	q.timer.Stop()
	jobs[0].done <- outcome{lead: jobs}
}

// withdraw removes the job of a caller whose context has ended. If the job was to lead a
// batch, the batch runs without it in a new goroutine.
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
	default: // it was waiting, or is in a batch whose leader checks its context
	}
}

// runBatch runs the jobs in one transaction and sends each its outcome. Jobs whose context
// has ended are left out. If the transaction fails, every job is told to retry alone.
func (s *Store) runBatch(tenant string, jobs []*job) {
	o := outcome{retryAlone: true}
	var live []*job
	for _, j := range jobs {
		if j.ctx.Err() != nil {
			j.done <- o // its caller sees the end of its own context first
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
	// All batches lock conversations in the same order, so that two batches cannot deadlock.
	slices.SortStableFunc(live, func(a, b *job) int { return cmp.Compare(a.cid, b.cid) })
	ctx, cancel := context.WithCancel(s.lifetime)
	defer cancel()
	var ended atomic.Int64
	var all []query
	for _, j := range live {
		all = append(all, j.queries...)
		stop := context.AfterFunc(j.ctx, func() {
			if ended.Add(1) == int64(len(live)) { // nobody waits any more
				cancel()
			}
		})
		defer stop()
	}
	err := s.runOnce(ctx, scope{tenant: tenant, batched: true}, all)
	o.retryAlone = err != nil
	var known *fault.Error
	if errors.As(err, &known) { // nothing was sent; one by one it would fail in the same way
		o = outcome{err: s.fail(ctx, err)}
	}
}

// argumentBytes returns about how many bytes the queries send.
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
