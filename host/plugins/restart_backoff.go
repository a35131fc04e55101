package plugins

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// failureLog counts the failures of a plugin in a row, and decides how long to wait before
// the next start.
type failureLog struct {
	times []time.Time // when failures happened within the quarantine window
	// hostFaults counts the starts in a row that failed through the fault of the host's own
	// system, such as a full disk.
	hostFaults int
}

// add counts a failure. It returns how long to wait before the next start, and whether the
// plugin is in quarantine now.
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
	return t.restartDelay(n - 2), false
}

// addHostFault counts a start that failed through no fault of the plugin, and returns how
// long to wait before the next. Such failures never put the plugin into quarantine, so that
// it starts again soon after the host has recovered.
func (l *failureLog) addHostFault(t timing) time.Duration {
	l.hostFaults++
	return t.restartDelay(l.hostFaults - 1)
}

// started notes that a process was started, so that the host is well.
func (l *failureLog) started() { l.hostFaults = 0 }

// reset forgets all failures.
func (l *failureLog) reset() { *l = failureLog{} }

// restartDelay returns the n-th delay, from 0 on. Each is twice the last, up to a maximum,
// give or take a quarter: several hosts, or several plugins of a host, must not come back
// at the same moment.
func (t timing) restartDelay(n int) time.Duration {
	const enough = 32 // doublings reach any maximum
	delays := backoff.ExponentialBackOff{InitialInterval: t.backoffBase, MaxInterval: t.backoffMax, Multiplier: 2, RandomizationFactor: 0.25}
	for range min(n, enough) {
		delays.NextBackOff()
	}
	return delays.NextBackOff()
}
