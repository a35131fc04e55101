package bot

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// Gate admits a tenant's turns: so many at once, and one at a time in each
// conversation, first come first served. It spares the storage the polling of
// waiters on this host; between hosts the storage decides. A tenant has one Gate
// over all its revisions. The zero value is ready.
type Gate struct {
	mu    sync.Mutex
	turns int
	lines map[string]*line
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
func (g *Gate) Running() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.turns
}

// enter waits until the conversation is free on this host and answers the function
// that frees it. fault.RateLimited when the tenant has too many turns already,
// fault.Conflict when the same idempotency key is at work, when too many wait, or
// when waiting took too long.
func (g *Gate) enter(ctx context.Context, conversation, key string, l config.Limits) (leave func(), err error) {
	g.mu.Lock()
	if g.turns >= l.ConcurrentTurns {
		g.mu.Unlock()
		return nil, fault.New(fault.RateLimited, "the tenant has %d turns at work, the most it may have at once", l.ConcurrentTurns).After(time.Second)
	}
	if g.lines == nil {
		g.lines = map[string]*line{}
	}
	ln, taken := g.lines[conversation]
	if !taken {
		g.lines[conversation] = &line{key: key}
		g.turns++
		g.mu.Unlock()
		return func() { g.leave(conversation) }, nil
	}
	if key != "" && ln.has(key) {
		g.mu.Unlock()
		return nil, errSameKey()
	}
	if len(ln.waiters) >= l.ConversationWaiters {
		g.mu.Unlock()
		return nil, fault.New(fault.Conflict, "the conversation has a turn at work and %d waiting, the most that may wait", l.ConversationWaiters).After(time.Second)
	}
	w := &waiter{key: key, ready: make(chan struct{})}
	ln.waiters = append(ln.waiters, w)
	g.turns++
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
	}
	g.turns--
	return nil, err
}

func (g *Gate) leave(conversation string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turns--
	g.next(conversation)
}

// next hands the conversation to its first waiter. The caller holds mu.
func (g *Gate) next(conversation string) {
	ln := g.lines[conversation]
	if len(ln.waiters) == 0 {
		delete(g.lines, conversation)
		return
	}
	w := ln.waiters[0]
	ln.waiters = ln.waiters[1:]
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
