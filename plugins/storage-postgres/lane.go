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
	// maxShared is how many calls share a transaction at most. Beyond eight there is little
	// left to share: of a turn's cost to the server half is gone at four.
	maxShared = 8
	// maxWait is how long a call waits for another pipeline of its tenant to end. It is
	// more than a healthy database needs, so that a stuck one keeps nobody for long.
	maxWait = 5 * time.Millisecond
	// maxLight is how many bytes a call that shares may send, and lightTail how many turns
	// it may ask for: larger ones would keep others waiting.
	maxLight  = 64 << 10
	lightTail = 100
)

// job is one call's statements, which may share a transaction with those of others of
// its tenant: they lock the row of one conversation, and nothing is wrong if they are
// sent again.
type job struct {
	ctx     context.Context
	cid     int64 // of the conversation
	queries []query
	done    chan outcome // has room
}

// outcome is what became of a job. One that is alone was not done, and has to be by
// itself. Before that, one of the jobs that go together is told to lead them.
type outcome struct {
	err   error
	alone bool
	lead  []*job
}

// lanes lets calls of one tenant that meet share a transaction. Of those, the first goes
// at once; who comes while it is under way waits until it ends, or maxWait, or for
// maxShared to be together: then they go in one pipeline. Nobody waits where nothing is
// under way.
type lanes struct {
	mu sync.Mutex
	of map[string]*lane // that have something under way or waiting, by tenant
}

type lane struct {
	running int // pipelines
	waiting []*job
	timer   *time.Timer
}

// share is run for the statements of a job, which are heavy if they read much. After an
// error they may still be under way: what their scans write to must not be read then. A
// call that leads others sees the end of ctx when it is done with them.
func (s *Store) share(ctx context.Context, tenant string, cid int64, heavy bool, queries ...query) error {
	if heavy || weight(queries) > maxLight {
		return s.run(ctx, scope{tenant: tenant}, queries...)
	}
	j := &job{ctx: ctx, cid: cid, queries: queries, done: make(chan outcome, 1)}
	if s.enter(tenant, j) {
		defer s.leave(tenant)
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
		defer s.leave(tenant)
		s.together(tenant, o.lead)
		o = <-j.done
	}
	if o.alone {
		return s.run(ctx, scope{tenant: tenant}, queries...)
	}
	return o.err
}

// enter reports whether the job may go at once; its caller must leave then. Else it
// waits.
func (s *Store) enter(tenant string, j *job) bool {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	l := s.lanes.of[tenant]
	if l == nil {
		s.lanes.of[tenant] = &lane{running: 1}
		return true
	}
	l.waiting = append(l.waiting, j)
	switch {
	case len(l.waiting) >= maxShared:
		s.depart(tenant, l)
	case len(l.waiting) == 1:
		l.timer = time.AfterFunc(maxWait, func() {
			s.lanes.mu.Lock()
			defer s.lanes.mu.Unlock()
			if len(l.waiting) > 0 {
				s.depart(tenant, l)
			}
		})
	}
	return false
}

// leave ends a pipeline. Who waited goes.
func (s *Store) leave(tenant string) {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	l := s.lanes.of[tenant]
	l.running--
	switch {
	case len(l.waiting) > 0:
		s.depart(tenant, l)
	case l.running == 0:
		delete(s.lanes.of, tenant)
	}
}

// depart sends all that wait on their way, led by the goroutine of one of them: its
// stack has grown already, and that of a new one would have to for each transaction. The
// caller has the lock.
func (s *Store) depart(tenant string, l *lane) {
	jobs := l.waiting
	l.waiting = nil
	l.running++
	l.timer.Stop()
	jobs[0].done <- outcome{lead: jobs}
}

// withdraw is for a job whose caller leaves. Those that it was to lead go without it.
func (s *Store) withdraw(tenant string, j *job) {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	if l := s.lanes.of[tenant]; l != nil {
		l.waiting = slices.DeleteFunc(l.waiting, func(other *job) bool { return other == j })
	}
	select {
	case o := <-j.done:
		if o.lead != nil {
			go func() {
				defer s.leave(tenant)
				s.together(tenant, o.lead)
			}()
		}
	default: // it waited, or another leads, who looks whether it is still there
	}
}

// together runs the jobs in one transaction, but for those whose callers left, and tells
// each what became of it. When that fails, each is alone, as those are that it left out.
func (s *Store) together(tenant string, jobs []*job) {
	o := outcome{alone: true}
	var here []*job
	for _, j := range jobs {
		if j.ctx.Err() != nil {
			j.done <- o // a caller that leads, or looks here first, finds the end of its ctx by itself
			continue
		}
		here = append(here, j)
	}
	defer func() {
		for _, j := range here {
			j.done <- o
		}
	}()
	if len(here) < 2 {
		return
	}
	// Whoever shares locks in the same order, so that none waits for one that waits for it.
	slices.SortStableFunc(here, func(a, b *job) int { return cmp.Compare(a.cid, b.cid) })
	ctx, cancel := context.WithCancel(s.life)
	defer cancel()
	var left atomic.Int64
	var all []query
	for _, j := range here {
		all = append(all, j.queries...)
		stop := context.AfterFunc(j.ctx, func() {
			if left.Add(1) == int64(len(here)) {
				cancel()
			}
		})
		defer stop()
	}
	err := s.runOnce(ctx, scope{tenant: tenant, shared: true}, all)
	o.alone = err != nil
	var known *fault.Error
	if errors.As(err, &known) { // there was no connection to be had, and there is none for each
		o = outcome{err: s.fail(ctx, err)}
	}
}

// weight is how many bytes the queries send, about.
func weight(queries []query) (n int) {
	for _, q := range queries {
		for _, a := range q.args {
			if text, ok := a.(string); ok {
				n += len(text)
			}
		}
	}
	return n
}
