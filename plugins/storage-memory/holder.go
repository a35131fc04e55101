package memstore

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// dropAfter is how long after the end of its lease a holder can still be renewed.
const dropAfter = time.Hour

// holder is a name under which running turns hold their conversations. All turns of a holder, of
// any tenant, stay alive until its lease ends.
type holder struct {
	name  string
	until atomic.Int64
	turns int // the number of running turns; guarded by holders.mu
}

// expired reports whether the lease has ended.
func (h *holder) expired(elapsed time.Duration) bool {
	return int64(elapsed) >= h.until.Load()
}

// extend extends the lease. It never shortens it.
func (h *holder) extend(until time.Duration) {
	if until < 0 {
		until = math.MaxInt64 // the sum has overflowed
	}
	for {
		old := h.until.Load()
		if int64(until) <= old || h.until.CompareAndSwap(old, int64(until)) {
			return
		}
	}
}

// holders has the holders of running turns. Nearly every turn has a holder of its own.
type holders struct {
	mu      sync.Mutex
	byName  map[string]*holder
	sweepAt int // expired holders are dropped when there are this many
}

// renew extends the leases of the holders. A holder without a turn is ignored.
func (hs *holders) renew(names []string, until time.Duration) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	for _, name := range names {
		if h := hs.byName[name]; h != nil {
			h.extend(until)
		}
	}
}

// acquire returns the holder for one more turn, and extends its lease.
func (hs *holders) acquire(name string, elapsed, lease time.Duration) *holder {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h := hs.byName[name]
	if h == nil {
		hs.dropExpiredLocked(elapsed)
		h = &holder{name: name}
		hs.byName[name] = h
	}
	h.turns++
	h.extend(elapsed + lease)
	return h
}

// release notes that a turn of the holder has ended.
func (hs *holders) release(h *holder) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if h.turns--; h.turns == 0 && hs.byName[h.name] == h {
		delete(hs.byName, h.name)
	}
}

// dropExpiredLocked drops holders whose lease ended long ago: their turns were deleted. A turn that
// still points to one stays expired. Locked: mu is held.
func (hs *holders) dropExpiredLocked(elapsed time.Duration) {
	if len(hs.byName) < hs.sweepAt {
		return
	}
	for name, h := range hs.byName {
		if h.expired(elapsed - dropAfter) {
			delete(hs.byName, name)
		}
	}
	hs.sweepAt = 2*len(hs.byName) + 16
}
