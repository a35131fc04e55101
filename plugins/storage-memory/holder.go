package memstore

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// forgetAfter is how long a holder whose lease ran out can still be renewed.
const forgetAfter = time.Hour

// holder is one run of a host. All turns that it runs, of any tenant, live as
// long as its lease, so one renewal is one store of a number.
type holder struct{ until atomic.Int64 }

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

// holders are the hosts that began turns here.
type holders struct {
	mu     sync.RWMutex
	byName map[string]*holder
	sweep  int // look for dead ones when there are so many
}

// renew extends the holder's lease; one that holds nothing has none.
func (hs *holders) renew(name string, until time.Duration) {
	hs.mu.RLock()
	defer hs.mu.RUnlock()
	if h := hs.byName[name]; h != nil {
		h.extend(until)
	}
}

// hold finds or makes the holder and extends its lease.
func (hs *holders) hold(name string, elapsed, lease time.Duration) *holder {
	hs.mu.RLock()
	h := hs.byName[name]
	if h != nil {
		h.extend(elapsed + lease)
	}
	hs.mu.RUnlock()
	if h != nil {
		return h
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if h = hs.byName[name]; h == nil {
		hs.bury(elapsed)
		h = new(holder)
		hs.byName[name] = h
	}
	h.extend(elapsed + lease)
	return h
}

// bury forgets holders that have been dead for long. Their turns, if any still
// point there, stay dead.
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
