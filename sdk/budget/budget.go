package budget

import (
	"sync"
	"time"

	"github.com/botyard/botyard/sdk"
)

// Upstreams is the budget of a plugin process for the bytes that its instances read from upstreams.
var Upstreams = New(sdk.MaxUpstreamsBytes, sdk.MaxUpstreamInstanceBytes)

// Patience is how long a reader of an upstream waits for bytes that other shares hold.
const Patience = 2 * time.Second

// Budget is a number of bytes that several shares divide among themselves. Any number of goroutines
// may use a Budget.
type Budget struct {
	all, each int64

	mu   sync.Mutex
	used int64
	// changed is closed when a share gives bytes back. It is nil while no share waits.
	changed chan struct{}
}

// New returns a Budget. all bounds the bytes of all shares together, each bounds the bytes of one
// share.
func New(all, each int64) *Budget { return &Budget{all: all, each: each} }

// Share is the part of a Budget that one instance of a plugin holds. Any number of goroutines may
// use a Share.
type Share struct {
	b    *Budget
	used int64 // guarded by b.mu
}

// Share returns a new share, which holds no bytes yet.
func (b *Budget) Share() *Share { return &Share{b: b} }

// Used returns how many bytes all shares hold.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// takeLocked adds n bytes to the share if the budget has room, and reports whether it did. When
// several shares hold bytes, a share may hold at most as many bytes as are free, so that some bytes
// stay free for the next share. A share that is alone may hold up to b.each bytes. Locked: b.mu is
// held.
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

// Take adds n bytes to the share and reports whether it did. It waits up to patience until other
// shares give enough bytes back. The caller returns the bytes with Give.
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

// Give returns n bytes of the share to the budget.
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
