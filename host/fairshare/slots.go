package fairshare

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Slots bounds how much work that needs the processor runs at once. Nil bounds nothing.
type Slots struct {
	all, each int
	pace      *Pace

	mu      sync.Mutex
	busy    int                     // slots of all tenants in which work runs
	tenants map[string]*slotsTenant // tenants whose work runs or waits
	turns   *list.List              // *slotsTenant; tenants that wait, the next one to be served first
}

// slotsTenant is a tenant's work that runs or waits.
type slotsTenant struct {
	key     string
	busy    int
	waiting *list.List    // *slotWaiter
	turn    *list.Element // its place in Slots.turns; nil while nothing waits
}

// slotWaiter is a piece of work that waits for a slot.
type slotWaiter struct {
	granted chan struct{} // closed, while mu is held, when it has a slot
}

// NewSlots returns slots for so many pieces of work at once, and so many of each tenant. Both
// numbers are 1 or more.
func NewSlots(all, each int) *Slots { return NewPacedSlots(all, each, nil) }

// NewPacedSlots returns slots whose work takes its time from the tenant's credit in the pace.
// Work does not wait for credit. A caller that wants to refuse work of a tenant without credit
// calls Pace.Check first.
func NewPacedSlots(all, each int, pace *Pace) *Slots {
	return &Slots{all: all, each: each, pace: pace, tenants: map[string]*slotsTenant{}, turns: list.New()}
}

// Pace returns the pace from which the work takes its time; nil for none.
func (s *Slots) Pace() *Pace {
	if s == nil {
		return nil
	}
	return s.pace
}

// held is the slot that a context carries.
type held struct {
	of    *Slots
	key   string
	in    bool      // false while the work is away
	since time.Time // when the work came in
}

// start records that the work has the slot from now on.
func (h *held) start() { h.in, h.since = true, time.Now() }

// release returns the slot, and takes the time of the work from the tenant's credit.
func (h *held) release() {
	h.in = false
	h.of.pace.Spend(h.key, time.Since(h.since))
	h.of.release(h.key)
}

type heldKey struct{}

// Do waits for a slot of the tenant, calls work in it, and returns work's error. If ctx ends
// before there is a slot, Do returns ctx's cause and does not call work. The context that work
// gets carries the slot: a Do that is called with it needs no other. It must not be used by two
// goroutines at once.
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
	h.start()
	defer func() {
		if h.in {
			h.release()
		}
	}()
	return work(context.WithValue(ctx, heldKey{}, h))
}

// Away returns the slot that ctx carries, calls wait, and waits for a slot again. It is for
// work that waits for something else, and does not need the processor meanwhile. If ctx
// carries no slot, it only calls wait. It returns wait's error, or else ctx's cause if ctx
// ended before there was a slot.
func Away(ctx context.Context, wait func() error) error {
	h, ok := ctx.Value(heldKey{}).(*held)
	if !ok || !h.in {
		return wait()
	}
	h.release()
	err := wait()
	if again := h.of.acquire(ctx, h.key); again != nil {
		if err == nil {
			err = again
		}
		return err
	}
	h.start()
	return err
}

func (s *Slots) acquire(ctx context.Context, key string) error {
	if ctx.Err() != nil {
		return fault.Of(context.Cause(ctx))
	}
	s.mu.Lock()
	t := s.tenants[key]
	if t == nil {
		t = &slotsTenant{key: key}
		s.tenants[key] = t
	}
	// If work of the tenant already waits, there is no free slot for the tenant: grantLocked
	// would have granted it.
	if t.turn == nil && s.busy < s.all && t.busy < s.each {
		s.busy++
		t.busy++
		s.mu.Unlock()
		return nil
	}
	w := &slotWaiter{granted: make(chan struct{})}
	if t.turn == nil {
		t.waiting = list.New()
		t.turn = s.turns.PushBack(t)
	}
	place := t.waiting.PushBack(w)
	s.mu.Unlock()

	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-w.granted: // it got the slot just when it gave up; the next one gets the slot
		s.releaseLocked(t)
	default:
		t.waiting.Remove(place)
		s.forgetIdleLocked(t)
	}
	return fault.Of(context.Cause(ctx))
}

func (s *Slots) release(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releaseLocked(s.tenants[key])
}

// releaseLocked takes a slot of the tenant back and grants it to the next. Locked: mu is held.
func (s *Slots) releaseLocked(t *slotsTenant) {
	s.busy--
	t.busy--
	s.forgetIdleLocked(t)
	s.grantLocked()
}

// forgetIdleLocked drops what a tenant does not need any more. Locked: mu is held.
func (s *Slots) forgetIdleLocked(t *slotsTenant) {
	if t.turn != nil && t.waiting.Len() == 0 {
		s.turns.Remove(t.turn)
		t.turn, t.waiting = nil, nil
	}
	if t.turn == nil && t.busy == 0 {
		delete(s.tenants, t.key)
	}
}

// grantLocked gives the free slots to work that waits, one to each tenant in turn. It passes
// by tenants that have all the slots that they may have; there are no more of these than
// slots. Locked: mu is held.
func (s *Slots) grantLocked() {
	for at := s.turns.Front(); at != nil && s.busy < s.all; {
		t := at.Value.(*slotsTenant)
		next := at.Next()
		if t.busy < s.each {
			w := t.waiting.Remove(t.waiting.Front()).(*slotWaiter)
			s.busy++
			t.busy++
			close(w.granted)
			s.turns.MoveToBack(at)
			s.forgetIdleLocked(t)
			if next == nil {
				next = s.turns.Front()
			}
		}
		at = next
	}
}

// Counts returns how many pieces of work run, and how many wait.
func (s *Slots) Counts() (busy, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at := s.turns.Front(); at != nil; at = at.Next() {
		waiting += at.Value.(*slotsTenant).waiting.Len()
	}
	return s.busy, waiting
}
