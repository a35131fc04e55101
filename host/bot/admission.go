package bot

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
	"golang.org/x/time/rate"
)

// Admission admits a tenant's turns: so many a minute, so many at once, so many that
// wait, and one at a time in each conversation, first come first served. It spares
// the storage the polling of waiters on this host; between hosts the storage
// decides. A tenant has one Admission over all its revisions, and each turn brings the
// limits of its own. The zero value is ready.
type Admission struct {
	mu      sync.Mutex
	lines   map[string]*line // of the conversations with a turn at work
	waiting int              // in all lines
	pace    *rate.Limiter    // nil until there is a limit
}

// line is a conversation with a turn running; waiters are served in order.
type line struct {
	key     string // idempotency key of the running turn
	waiters []*waiter
}

type waiter struct {
	key   string
	ready chan struct{}
}

// Running is the number of turns admitted now, waiting ones included.
func (g *Admission) Running() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.lines) + g.waiting
}

// Idle says that nothing would be lost with the Admission: no turn is at work, and no
// allowance is being kept.
func (g *Admission) Idle() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.lines) == 0 && (g.pace == nil || g.pace.Tokens() >= float64(g.pace.Burst()))
}

// enter waits until the conversation is free on this host and answers the function
// that frees it. fault.RateLimited when the tenant has too many turns at work or
// waiting already, or began too many in the last minute; fault.Conflict when the
// same idempotency key is at work, when too many wait for the conversation, or when
// waiting took too long.
func (g *Admission) enter(ctx context.Context, conversation, key string, l config.Limits) (leave func(), err error) {
	g.mu.Lock()
	ln := g.lines[conversation]
	if err := g.admit(ln, key, l); err != nil {
		g.mu.Unlock()
		return nil, err
	}
	if ln == nil {
		if g.lines == nil {
			g.lines = map[string]*line{}
		}
		g.lines[conversation] = &line{key: key}
		g.mu.Unlock()
		return func() { g.leave(conversation) }, nil
	}
	w := &waiter{key: key, ready: make(chan struct{})}
	ln.waiters = append(ln.waiters, w)
	g.waiting++
	g.mu.Unlock()

	timeout := time.NewTimer(l.ConversationWait)
	defer timeout.Stop()
	select {
	case <-w.ready:
		return func() { g.leave(conversation) }, nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-timeout.C:
		err = errBusy(l.ConversationWait)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.ready:
		// Served and given up at the same moment: pass the turn on.
		g.next(conversation)
	default:
		ln.remove(w)
		g.waiting--
	}
	return nil, err
}

// admit says why a turn may neither begin nor wait in ln, which is nil for a free
// conversation. The caller holds mu.
func (g *Admission) admit(ln *line, key string, l config.Limits) error {
	switch {
	case ln == nil && len(g.lines) >= l.ConcurrentTurns:
		return fault.New(fault.RateLimited, "the tenant has %d turns at work, the most it may have at once", l.ConcurrentTurns).After(time.Second)
	case ln == nil:
	case key != "" && ln.has(key):
		return errSameKey()
	case len(ln.waiters) >= l.ConversationWaiters:
		return fault.New(fault.Conflict, "the conversation has a turn at work and %d waiting, the most that may wait", l.ConversationWaiters).After(time.Second)
	case g.waiting >= l.WaitingTurns:
		return fault.New(fault.RateLimited, "the tenant has %d turns waiting, the most that may wait", l.WaitingTurns).After(time.Second)
	}
	// Last, so that a turn that is refused for something else costs nothing.
	if wait := g.early(l.TurnsPerMinute); wait > 0 {
		return fault.New(fault.RateLimited, "the tenant may begin %d turns a minute, and has", l.TurnsPerMinute).After(wait)
	}
	return nil
}

// early takes a turn from the minute's, or says how long it takes until there is
// one. The bucket is kept when the limit changes: it is not filled by that. The
// caller holds mu.
func (g *Admission) early(perMinute int) time.Duration {
	if perMinute == 0 {
		return 0
	}
	now := time.Now()
	each := rate.Limit(float64(perMinute) / time.Minute.Seconds())
	switch {
	case g.pace == nil:
		g.pace = rate.NewLimiter(each, perMinute)
	case g.pace.Burst() != perMinute:
		g.pace.SetLimitAt(now, each)
		g.pace.SetBurstAt(now, perMinute)
	}
	r := g.pace.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

func (g *Admission) leave(conversation string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next(conversation)
}

// next hands the conversation to its first waiter. The caller holds mu.
func (g *Admission) next(conversation string) {
	ln := g.lines[conversation]
	if len(ln.waiters) == 0 {
		delete(g.lines, conversation)
		return
	}
	w := ln.waiters[0]
	ln.waiters = ln.waiters[1:]
	g.waiting--
	ln.key = w.key
	close(w.ready)
}

func (l *line) has(key string) bool {
	if l.key == key {
		return true
	}
	for _, w := range l.waiters {
		if w.key == key {
			return true
		}
	}
	return false
}

func (l *line) remove(w *waiter) {
	for i, other := range l.waiters {
		if other == w {
			l.waiters = append(l.waiters[:i], l.waiters[i+1:]...)
			return
		}
	}
}

func errSameKey() error {
	return fault.New(fault.Conflict, "a turn with this Idempotency-Key is at work").At("Idempotency-Key").After(time.Second)
}

func errBusy(waited time.Duration) error {
	return fault.New(fault.Conflict, "the conversation was busy with other turns for %s", waited).After(time.Second)
}
