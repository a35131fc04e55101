package memstore

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// dropAfter is how long a Store remembers a holder after the holder's lease has expired. Until then
// Renew can still revive the lease.
const dropAfter = time.Hour

// holder is a name under which running turns hold their conversations. Running turns of any tenant
// may share a holder. They keep their conversations until the holder's lease expires.
type holder struct {
	name  string
	until atomic.Int64
	// turns is the number of running turns that have this holder. holders.mu guards it.
	turns int
}

// expired reports whether the lease has expired at the given time since Store.epoch.
func (h *holder) expired(elapsed time.Duration) bool {
	return int64(elapsed) >= h.until.Load()
}

// extend moves the end of the lease to until, a time since Store.epoch. It never shortens the
// lease.
func (h *holder) extend(until time.Duration) {
	// until is negative if the addition in the caller has overflowed.
	if until < 0 {
		until = math.MaxInt64
	}
	for {
		old := h.until.Load()
		if int64(until) <= old || h.until.CompareAndSwap(old, int64(until)) {
			return
		}
	}
}

// holders has the holders of all running turns of a Store. Nearly every turn has its own holder.
type holders struct {
	mu      sync.Mutex
	byName  map[string]*holder
	sweepAt int // when byName has this many entries, acquire drops expired holders
}

// renew extends the leases of the named holders. It ignores names without a running turn.
func (hs *holders) renew(names []string, until time.Duration) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	for _, name := range names {
		if h := hs.byName[name]; h != nil {
			h.extend(until)
		}
	}
}

// acquire returns the holder with the given name for a new turn, and extends the holder's lease. It
// creates the holder if necessary.
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

// release counts one running turn of the holder less, and drops the holder after its last turn.
func (hs *holders) release(h *holder) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if h.turns--; h.turns == 0 && hs.byName[h.name] == h {
		delete(hs.byName, h.name)
	}
}

// dropExpiredLocked drops holders whose leases expired more than dropAfter ago, for example because
// the turns of these holders were deleted. A running turn that still points to a dropped holder
// stays expired. Locked: mu is held.
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
