package plugins

import (
	"math/rand/v2"
	"time"
)

// failureLog remembers the failures of a plugin that happened in a row.
type failureLog struct {
	times []time.Time
	// surroundings counts the starts in a row that failed for what the host runs on.
	surroundings int
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
	return t.backoff(n - 2), false
}

// addSurroundings records a start that failed through no fault of the plugin, and says
// how long to wait before the next. It never leads to quarantine: the plugin is tried as
// often as that costs nothing, so that it is there soon after the fault is gone.
func (l *failureLog) addSurroundings(t timing) time.Duration {
	l.surroundings++
	return t.backoff(l.surroundings - 1)
}

// started records that a process was started: what the host runs on is well.
func (l *failureLog) started() { l.surroundings = 0 }

func (l *failureLog) reset() { *l = failureLog{} }

// backoff is the n-th pause, from 0 on, give or take a quarter: several hosts, or
// several plugins of a host, must not come back in step.
func (t timing) backoff(n int) time.Duration {
	delay := t.backoffMax
	if n < 32 {
		delay = min(t.backoffBase<<n, t.backoffMax)
	}
	return delay*3/4 + rand.N(delay/2+1)
}
