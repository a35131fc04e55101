package slots

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Slots bounds work that needs the processor. It is used concurrently. Nil bounds nothing.
type Slots struct {
	all, each int
	pace      *Pace

	mu    sync.Mutex
	busy  int
	lines map[string]*line // of those who work or wait
	turns *list.List       // *line, those that wait; the next one first
}

// line is what works and what waits for one tenant.
type line struct {
	key     string
	busy    int
	waiting *list.List    // *waiter
	turn    *list.Element // in turns; nil while nobody waits
}

type waiter struct {
	granted chan struct{} // closed, under the lock, when the slot is the waiter's
}

// New makes Slots for so much work at once, and so much of each tenant. Both are at
// least 1.
func New(all, each int) *Slots { return NewPaced(all, each, nil) }

// NewPaced is New for work whose time is taken from the tenant's credit in the pace. Work is
// not kept waiting for credit: who lets requests in asks Pace.Check.
func NewPaced(all, each int, pace *Pace) *Slots {
	return &Slots{all: all, each: each, pace: pace, lines: map[string]*line{}, turns: list.New()}
}

// Pace returns the pace that the work's time is taken from, nil for none.
func (s *Slots) Pace() *Pace {
	if s == nil {
		return nil
	}
	return s.pace
}

// held is a slot that a context carries.
type held struct {
	of    *Slots
	key   string
	in    bool      // false while its holder is away
	since time.Time // in
}

// enter notes that the slot is the holder's.
func (h *held) enter() { h.in, h.since = true, time.Now() }

// leave gives the slot back.
func (h *held) leave() {
	h.in = false
	h.of.pace.Spend(h.key, time.Since(h.since))
	h.of.release(h.key)
}

type heldKey struct{}

// Do calls work with a slot of the tenant's, and with a context that says so: what work
// calls with it needs no other slot. Do waits in the tenant's line until there is a slot,
// or until ctx ends; then it returns that error and does not call work. It returns
// work's error. The context must not be used by two goroutines at once.
func (s *Slots) Do(ctx context.Context, tenant string, work func(ctx context.Context) error) error {
	if s == nil {
		return work(ctx)
	}
	if h, ok := ctx.Value(heldKey{}).(*held); ok && h.of == s && h.in {
		return work(ctx)
	}
	if err := s.acquire(ctx, tenant); err != nil {
		return err
	}
	h := &held{of: s, key: tenant}
	h.enter()
	defer func() {
		if h.in {
			h.leave()
		}
	}()
	return work(context.WithValue(ctx, heldKey{}, h))
}

// Away calls wait without the slot that ctx carries, if it carries one: for what waits
// for others and does not need the processor. Then it takes a slot again. It returns the
// error of wait, or else that of ctx, which may have ended before there was a slot.
func Away(ctx context.Context, wait func() error) error {
	h, ok := ctx.Value(heldKey{}).(*held)
	if !ok || !h.in {
		return wait()
	}
	h.leave()
	err := wait()
	if again := h.of.acquire(ctx, h.key); again != nil {
		if err == nil {
			err = again
		}
		return err
	}
	h.enter()
	return err
}

func (s *Slots) acquire(ctx context.Context, key string) error {
	if ctx.Err() != nil {
		return fault.Of(context.Cause(ctx))
	}
	s.mu.Lock()
	l := s.lines[key]
	if l == nil {
		l = &line{key: key}
		s.lines[key] = l
	}
	// Whoever waits has no slot to take: grant leaves none.
	if l.turn == nil && s.busy < s.all && l.busy < s.each {
		s.busy++
		l.busy++
		s.mu.Unlock()
		return nil
	}
	w := &waiter{granted: make(chan struct{})}
	if l.turn == nil {
		l.waiting = list.New()
		l.turn = s.turns.PushBack(l)
	}
	place := l.waiting.PushBack(w)
	s.mu.Unlock()

	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-w.granted: // at the same moment: it is for the next one
		s.releaseLocked(l)
	default:
		l.waiting.Remove(place)
		s.settleLocked(l)
	}
	return fault.Of(context.Cause(ctx))
}

func (s *Slots) release(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releaseLocked(s.lines[key])
}

// releaseLocked takes a slot of the line back and gives it on. Locked: mu is held.
func (s *Slots) releaseLocked(l *line) {
	s.busy--
	l.busy--
	s.settleLocked(l)
	s.grantLocked()
}

// settleLocked drops what a line does not need any more. Locked: mu is held.
func (s *Slots) settleLocked(l *line) {
	if l.turn != nil && l.waiting.Len() == 0 {
		s.turns.Remove(l.turn)
		l.turn, l.waiting = nil, nil
	}
	if l.turn == nil && l.busy == 0 {
		delete(s.lines, l.key)
	}
}

// grantLocked gives out the free slots, one for each line in turn. It passes by those that
// have all that they may have, of which there are no more than slots. Locked: mu is held.
func (s *Slots) grantLocked() {
	for at := s.turns.Front(); at != nil && s.busy < s.all; {
		l := at.Value.(*line)
		next := at.Next()
		if l.busy < s.each {
			w := l.waiting.Remove(l.waiting.Front()).(*waiter)
			s.busy++
			l.busy++
			close(w.granted)
			s.turns.MoveToBack(at)
			s.settleLocked(l)
			if next == nil {
				next = s.turns.Front()
			}
		}
		at = next
	}
}

// Counts says how much is at work, and how much waits.
func (s *Slots) Counts() (busy, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at := s.turns.Front(); at != nil; at = at.Next() {
		waiting += at.Value.(*line).waiting.Len()
	}
	return s.busy, waiting
}
