package memstore

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// forgetAfter is how long a holder whose lease ran out can still be renewed.
const forgetAfter = time.Hour

// holder is who holds conversations. All its turns, of any tenant, live as long as its
// lease.
type holder struct {
	name  string
	until atomic.Int64
	turns int // that it holds; guarded by holders.mu
}

func (h *holder) lapsed(elapsed time.Duration) bool {
	return int64(elapsed) >= h.until.Load()
}

// extend never shortens a lease.
func (h *holder) extend(until time.Duration) {
	if until < 0 {
		until = math.MaxInt64 // the sum ran over
	}
	for {
		old := h.until.Load()
		if int64(until) <= old || h.until.CompareAndSwap(old, int64(until)) {
			return
		}
	}
}

// holders are those of running turns. Nearly each turn has one of its own.
type holders struct {
	mu     sync.Mutex
	byName map[string]*holder
	sweep  int // look for dead ones when there are so many
}

// renew extends the holders' leases; one that holds nothing has none.
func (hs *holders) renew(names []string, until time.Duration) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	for _, name := range names {
		if h := hs.byName[name]; h != nil {
			h.extend(until)
		}
	}
}

// hold finds or makes the holder of one more turn, and extends its lease.
func (hs *holders) hold(name string, elapsed, lease time.Duration) *holder {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h := hs.byName[name]
	if h == nil {
		hs.bury(elapsed)
		h = &holder{name: name}
		hs.byName[name] = h
	}
	h.turns++
	h.extend(elapsed + lease)
	return h
}

// letGo says that a turn of the holder has ended.
func (hs *holders) letGo(h *holder) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if h.turns--; h.turns == 0 && hs.byName[h.name] == h {
		delete(hs.byName, h.name)
	}
}

// bury forgets holders that have been dead for long: their turns were deleted. A turn
// that still points there stays dead.
func (hs *holders) bury(elapsed time.Duration) {
	if len(hs.byName) < hs.sweep {
		return
	}
	for name, h := range hs.byName {
		if h.lapsed(elapsed - forgetAfter) {
			delete(hs.byName, name)
		}
	}
	hs.sweep = 2*len(hs.byName) + 16
}
