package budget

import (
	"sync"
	"time"

	"github.com/botyard/botyard/sdk"
)

// Upstreams is the budget of a plugin process for what its instances read from upstreams.
var Upstreams = New(sdk.MaxUpstreamsBytes, sdk.MaxUpstreamInstanceBytes)

// Patience is how long a reader of an upstream waits while others hold what it needs.
const Patience = 2 * time.Second

// Budget is room for bytes that several share. It is used by any number of goroutines.
type Budget struct {
	all, each int64

	mu      sync.Mutex
	used    int64
	changed chan struct{} // closed when something is given back; nil while nobody waits
}

// New makes a budget of so many bytes for all shares, and for each of them.
func New(all, each int64) *Budget { return &Budget{all: all, each: each} }

// Share is what one of those has that share a budget: an instance of a plugin. It is used by
// any number of goroutines.
type Share struct {
	b    *Budget
	used int64 // under the budget's lock
}

// Share makes a share, which has nothing yet.
func (b *Budget) Share() *Share { return &Share{b: b} }

// Used is how much all shares have.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// takeLocked takes n bytes if there is room. A share gets more only while more is free than it
// has, so that however many take what they can, there is room for the next; one that is
// alone may have all that each may have. Locked: b.mu is held.
func (s *Share) takeLocked(n int64) bool {
	b := s.b
	switch alone := b.used == s.used; {
	case s.used+n > b.each, b.used+n > b.all:
		return false
	case !alone && s.used+n > b.all-b.used:
		return false
	}
	s.used += n
	b.used += n
	return true
}

// Take takes n bytes, waiting for them up to patience, and reports whether it has them. What
// was taken is to be given back.
func (s *Share) Take(n int64, patience time.Duration) bool {
	var late <-chan time.Time
	for {
		s.b.mu.Lock()
		if s.takeLocked(n) {
			s.b.mu.Unlock()
			return true
		}
		if n > s.b.each || patience <= 0 {
			s.b.mu.Unlock()
			return false
		}
		if s.b.changed == nil {
			s.b.changed = make(chan struct{})
		}
		changed := s.b.changed
		s.b.mu.Unlock()
		if late == nil {
			timer := time.NewTimer(patience)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-changed:
		case <-late:
			return false
		}
	}
}

// Give gives n bytes back.
func (s *Share) Give(n int64) {
	if n == 0 {
		return
	}
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	s.used -= n
	s.b.used -= n
	if s.b.changed != nil {
		close(s.b.changed)
		s.b.changed = nil
	}
}
