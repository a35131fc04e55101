package bot

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
	"golang.org/x/time/rate"
)

// Admission decides which turns of one tenant run on this host. It bounds how many turns start
// in a minute, how many run at once and how many wait. In each conversation it runs one turn at
// a time, in the order in which the turns arrived. It does not know turns of other hosts. The
// storage's Begin keeps two hosts from running turns in one conversation.
//
// All revisions of a tenant's bot share one Admission. Each turn brings the limits of its own
// revision. Admission is safe for concurrent use. The zero value is ready.
type Admission struct {
	mu      sync.Mutex
	queues  map[string]*queue // keyed by Bot.queueKey; has only conversations in which a turn runs
	waiting int               // number of waiting turns in all queues
	pace    *rate.Limiter     // limits how many turns start in a minute; nil until a turn has a limit
}

// queue has the turn that runs in one conversation, and the turns that wait for the
// conversation.
type queue struct {
	key     string // idempotency key of the running turn
	waiters []*waiter
}

type waiter struct {
	key   string        // idempotency key of the waiting turn
	ready chan struct{} // closed when the waiting turn may run
}

// Turns returns how many turns of the tenant run or wait.
func (a *Admission) Turns() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.queues) + a.waiting
}

// Idle reports whether a new Admission would admit the same turns as this one. That is so if no
// turn runs, and the turns of the last minute no longer count against the tenant's limit.
func (a *Admission) Idle() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.queues) == 0 && (a.pace == nil || a.pace.Tokens() >= float64(a.pace.Burst()))
}

// admit waits until no other turn runs in the queue's conversation. Then the caller's turn runs
// until the caller calls release. The error is fault.RateLimited if too many of the tenant's
// turns run or wait, or if too many started in the last minute. It is fault.Conflict if a turn
// with the same idempotency key runs or waits in the conversation, if too many turns wait for
// the conversation, or if the wait took longer than Limits.ConversationWait. If ctx ends during
// the wait, the error is ctx's cause.
func (a *Admission) admit(ctx context.Context, queueKey, idempotencyKey string, l config.Limits) (release func(), err error) {
	a.mu.Lock()
	q := a.queues[queueKey]
	if err := a.checkLocked(q, idempotencyKey, l); err != nil {
		a.mu.Unlock()
		return nil, err
	}
	if q == nil {
		if a.queues == nil {
			a.queues = map[string]*queue{}
		}
		a.queues[queueKey] = &queue{key: idempotencyKey}
		a.mu.Unlock()
		return func() { a.release(queueKey) }, nil
	}
	w := &waiter{key: idempotencyKey, ready: make(chan struct{})}
	q.waiters = append(q.waiters, w)
	a.waiting++
	a.mu.Unlock()

	timeout := time.NewTimer(l.ConversationWait)
	defer timeout.Stop()
	select {
	case <-w.ready:
		return func() { a.release(queueKey) }, nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-timeout.C:
		err = errBusy(l.ConversationWait)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-w.ready:
		// The turn was admitted at the moment at which it gave up its wait. The next waiting
		// turn runs in its place.
		a.admitNextLocked(queueKey)
	default:
		q.waiters = slices.DeleteFunc(q.waiters, func(other *waiter) bool { return other == w })
		a.waiting--
	}
	return nil, err
}

// checkLocked returns why a turn may neither run nor wait. It returns nil if the turn may run
// or wait. q is nil if no turn runs in the conversation. Locked: mu is held.
func (a *Admission) checkLocked(q *queue, idempotencyKey string, l config.Limits) error {
	switch {
	case q == nil && len(a.queues) >= l.ConcurrentTurns:
		return fault.New(fault.RateLimited, "the tenant has %d turns at work, the most it may have at once", l.ConcurrentTurns).After(time.Second)
	case q == nil:
	case idempotencyKey != "" && q.has(idempotencyKey):
		return errSameKey()
	case len(q.waiters) >= l.ConversationWaiters:
		return fault.New(fault.Conflict, "the conversation has a turn at work and %d waiting, the most that may wait", l.ConversationWaiters).After(time.Second)
	case a.waiting >= l.WaitingTurns:
		return fault.New(fault.RateLimited, "the tenant has %d turns waiting, the most that may wait", l.WaitingTurns).After(time.Second)
	}
	// reserveStartLocked is called last because it counts the turn. A turn that another check
	// refuses must not count.
	if wait := a.reserveStartLocked(l.TurnsPerMinute); wait > 0 {
		return fault.New(fault.RateLimited, "the tenant may begin %d turns a minute, and has", l.TurnsPerMinute).After(wait)
	}
	return nil
}

// reserveStartLocked counts a turn that starts, and returns 0. If the tenant has already
// started turnsPerMinute turns in the last minute, reserveStartLocked counts nothing and
// returns the wait until the next turn may start. A turnsPerMinute of 0 means no limit. When
// the limit changes, the turns that were counted before still count. Locked: mu is held.
func (a *Admission) reserveStartLocked(turnsPerMinute int) time.Duration {
	if turnsPerMinute == 0 {
		return 0
	}
	now := time.Now()
	limit := rate.Limit(float64(turnsPerMinute) / time.Minute.Seconds())
	switch {
	case a.pace == nil:
		a.pace = rate.NewLimiter(limit, turnsPerMinute)
	case a.pace.Burst() != turnsPerMinute:
		a.pace.SetLimitAt(now, limit)
		a.pace.SetBurstAt(now, turnsPerMinute)
	}
	r := a.pace.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// release ends the turn that runs in the queue's conversation, and admits the next waiting
// turn.
func (a *Admission) release(queueKey string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.admitNextLocked(queueKey)
}

// admitNextLocked lets the first waiting turn of the queue run. If no turn waits, it deletes
// the queue. Locked: mu is held.
func (a *Admission) admitNextLocked(queueKey string) {
	q := a.queues[queueKey]
	if len(q.waiters) == 0 {
		delete(a.queues, queueKey)
		return
	}
	w := q.waiters[0]
	q.waiters = q.waiters[1:]
	a.waiting--
	q.key = w.key
	close(w.ready)
}

// has reports whether a turn with the idempotency key runs or waits in the queue.
func (q *queue) has(idempotencyKey string) bool {
	return q.key == idempotencyKey ||
		slices.ContainsFunc(q.waiters, func(w *waiter) bool { return w.key == idempotencyKey })
}

func errSameKey() error {
	return fault.New(fault.Conflict, "a turn with this Idempotency-Key is at work").At("Idempotency-Key").After(time.Second)
}

func errBusy(waited time.Duration) error {
	return fault.New(fault.Conflict, "the conversation was busy with other turns for %s", waited).After(time.Second)
}
