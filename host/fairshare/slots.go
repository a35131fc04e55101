package fairshare

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Slots limits how many pieces of processor-bound work run at the same time. A nil Slots has no
// limit.
type Slots struct {
	all, each int
	pace      *Pace

	mu      sync.Mutex
	busy    int                     // the number of slots in use by all tenants
	tenants map[string]*slotsTenant // the tenants whose work runs or waits
	turns   *list.List              // the tenants whose work waits, as *slotsTenant; the tenant to be served next is first
}

// slotsTenant describes the running and the waiting work of one tenant.
type slotsTenant struct {
	key     string
	busy    int
	waiting *list.List    // the waiting work, as *slotWaiter
	turn    *list.Element // the tenant's element of Slots.turns; nil while none of its work waits
}

// slotWaiter is a piece of work that waits for a slot.
type slotWaiter struct {
	granted chan struct{} // closed, while Slots.mu is held, when the work gets a slot
}

// NewSlots returns Slots that run at most all pieces of work at the same time, and at most each
// pieces of one tenant. Both numbers are at least 1.
func NewSlots(all, each int) *Slots { return NewPacedSlots(all, each, nil) }

// NewPacedSlots returns Slots whose work spends the tenant's credit in pace. Work does not wait for
// credit. A caller that wants to refuse the work of a tenant without credit calls Pace.Check first.
func NewPacedSlots(all, each int, pace *Pace) *Slots {
	return &Slots{all: all, each: each, pace: pace, tenants: map[string]*slotsTenant{}, turns: list.New()}
}

// Pace returns the Pace whose credit the work spends, or nil.
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
	in    bool      // false while the work is in Away
	since time.Time // when the work got the slot
	outer *held     // the slot of the Slots of Within, or nil
}

// acquire waits for the outer slot and then for the slot. If it fails, the work has neither.
func (h *held) acquire(ctx context.Context) error {
	if h.outer != nil {
		if err := h.outer.acquire(ctx); err != nil {
			return err
		}
	}
	if err := h.of.acquire(ctx, h.key); err != nil {
		h.outer.release()
		return err
	}
	h.in, h.since = true, time.Now()
	return nil
}

// release returns the slot and the outer slot, and subtracts the time of the work from the tenant's
// credit. It does nothing if the work does not have the slot.
func (h *held) release() {
	if h == nil || !h.in {
		return
	}
	h.in = false
	h.of.pace.Spend(h.key, time.Since(h.since))
	h.of.release(h.key)
	h.outer.release()
}

type heldKey struct{}

type withinKey struct{}

// Within returns a context with which Do also needs a slot of class, which it gets first and holds
// as long as the other. So work of one class leaves slots to other work. Both slots are of the same
// tenant.
func Within(ctx context.Context, class *Slots) context.Context {
	return context.WithValue(ctx, withinKey{}, class)
}

// Do waits for a slot of the tenant, calls work in the slot, and returns the error of work. If ctx
// ends before there is a free slot, Do returns the cause of ctx and does not call work. The context
// that work gets carries the slot, so a nested Do with that context calls its work in the same
// slot. Two goroutines must not use that context at the same time.
func (s *Slots) Do(ctx context.Context, tenant string, work func(ctx context.Context) error) error {
	if s == nil {
		return work(ctx)
	}
	if h, ok := ctx.Value(heldKey{}).(*held); ok && h.of == s && h.in {
		return work(ctx)
	}
	h := &held{of: s, key: tenant}
	if class, ok := ctx.Value(withinKey{}).(*Slots); ok {
		h.outer = &held{of: class, key: tenant}
	}
	if err := h.acquire(ctx); err != nil {
		return err
	}
	defer h.release()
	return work(context.WithValue(ctx, heldKey{}, h))
}

// Away returns the slot that ctx carries, calls wait, and then waits for a slot again. Work calls
// Away while it waits for something else and does not need the processor. If ctx carries no slot,
// Away only calls wait. Away returns the error of wait, or else the cause of ctx if ctx ended
// before there was a free slot.
func Away(ctx context.Context, wait func() error) error {
	h, ok := ctx.Value(heldKey{}).(*held)
	if !ok || !h.in {
		return wait()
	}
	h.release()
	err := wait()
	if again := h.acquire(ctx); again != nil && err == nil {
		err = again
	}
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
	// If work of the tenant already waits, the tenant has no free slot, because grantLocked would
	// have given a free slot to the waiting work.
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
	case <-w.granted: // grantLocked gave a slot to this work just when ctx ended; releaseLocked gives the slot to other work
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

// releaseLocked frees a slot of the tenant and grants it to waiting work. Locked: mu is held.
func (s *Slots) releaseLocked(t *slotsTenant) {
	s.busy--
	t.busy--
	s.forgetIdleLocked(t)
	s.grantLocked()
}

// forgetIdleLocked removes the tenant from turns if none of its work waits, and from tenants if
// none of its work runs or waits. Locked: mu is held.
func (s *Slots) forgetIdleLocked(t *slotsTenant) {
	if t.turn != nil && t.waiting.Len() == 0 {
		s.turns.Remove(t.turn)
		t.turn, t.waiting = nil, nil
	}
	if t.turn == nil && t.busy == 0 {
		delete(s.tenants, t.key)
	}
}

// grantLocked gives the free slots to waiting work, one slot to each tenant in turn. It skips
// tenants that have all the slots that a tenant may have. At most Slots.all tenants are skipped, so
// the search is short. Locked: mu is held.
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
