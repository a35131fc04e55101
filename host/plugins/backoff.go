package plugins

import (
	"math/rand/v2"
	"time"
)

// failureLog remembers the failures of a plugin that happened in a row.
type failureLog struct {
	times []time.Time
}

// add records a failure and says how long to wait before the next start, and
// whether the plugin is now in quarantine instead.
func (l *failureLog) add(now time.Time, t timing) (delay time.Duration, quarantined bool) {
	kept := l.times[:0]
	for _, at := range l.times {
		if now.Sub(at) < t.quarantineWindow {
			kept = append(kept, at)
		}
	}
	l.times = append(kept, now)
	n := len(l.times)
	if n >= t.quarantineAfter {
		return t.quarantineRetry, true
	}
	if n == 1 {
		return 0, false // most crashes are single: the next call should not wait
	}
	delay = min(t.backoffBase<<(n-2), t.backoffMax)
	// Several hosts, or several plugins of a host, must not come back in step.
	return delay*3/4 + rand.N(delay/2+1), false
}

func (l *failureLog) reset() { l.times = nil }
