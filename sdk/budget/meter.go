package budget

import (
	"time"
)

// Meter counts the bytes that one reader holds. It takes the bytes beyond a free amount from a
// Share. One goroutine at a time may use a Meter.
type Meter struct {
	share *Share
	free  int64
	read  int64
	taken int64
}

// step is the least number of bytes that a meter takes from its share at once.
const step = 256 << 10

// NewMeter returns a meter on the share s. free is the number of bytes that the meter does not take
// from s.
func NewMeter(s *Share, free int64) *Meter { return &Meter{share: s, free: free} }

// Add counts n more bytes, and reports whether the share had room for them. It waits up to patience
// for room.
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

// Read returns how many bytes were added since the last Reset.
func (m *Meter) Read() int64 { return m.read }

// Shrink sets the count to n, which is at most what was counted, and gives back what it took for the
// rest.
func (m *Meter) Shrink(n int64) {
	m.read = n
	needed := (max(0, n-m.free) + step - 1) / step * step
	if spare := m.taken - needed; spare > 0 {
		m.share.Give(spare)
		m.taken -= spare
	}
}

// Reset gives all bytes back to the share, and sets the count to 0.
func (m *Meter) Reset() {
	m.share.Give(m.taken)
	m.read, m.taken = 0, 0
}
