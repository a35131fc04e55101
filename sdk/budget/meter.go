package budget

import (
	"time"
)

// Meter counts what one reader holds: the first so many bytes are free, the rest is taken
// from a share. It is used by one goroutine at a time.
type Meter struct {
	share *Share
	free  int64
	read  int64
	taken int64
}

// step is how many bytes a meter takes at once.
const step = 256 << 10

// NewMeter makes a meter of which free bytes cost nothing.
func NewMeter(s *Share, free int64) *Meter { return &Meter{share: s, free: free} }

// Add counts n bytes more, and reports whether there is room for them.
func (m *Meter) Add(n int64, patience time.Duration) bool {
	m.read += n
	for m.read > m.free+m.taken {
		want := max(step, m.read-m.free-m.taken)
		if !m.share.Take(want, patience) {
			return false
		}
		m.taken += want
	}
	return true
}

// Read is how many bytes were counted since the last Reset.
func (m *Meter) Read() int64 { return m.read }

// Reset gives all back.
func (m *Meter) Reset() {
	m.share.Give(m.taken)
	m.read, m.taken = 0, 0
}
