package plugins

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// failureLog counts the failures of a plugin in a row, and decides how long to wait before
// the next start.
type failureLog struct {
	times []time.Time // the times of the failures within the quarantine window
	// hostFaults counts the failed starts in a row that were the host's fault, such as a
	// full disk.
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
		return 0, false // most crashes are single, so the first restart has no delay
	}
	return t.restartDelay(n - 2), false
}

// addHostFault counts a failed start that was the host's fault, and returns how long to
// wait before the next start. Such failures never put the plugin into quarantine, so that
// the plugin starts soon after the host has recovered.
func (l *failureLog) addHostFault(t timing) time.Duration {
	l.hostFaults++
	return t.restartDelay(l.hostFaults - 1)
}

// started records that a process was started. It ends the row of host faults.
func (l *failureLog) started() { l.hostFaults = 0 }

// reset forgets all failures.
func (l *failureLog) reset() { *l = failureLog{} }

// restartDelay returns the delay with the number n, which starts at 0. Each delay is twice
// the previous one, up to backoffMax, and differs from that by up to 25 percent at random.
// So several hosts, or several plugins of a host, do not restart at the same moment.
func (t timing) restartDelay(n int) time.Duration {
	const enough = 32 // after 32 doublings every delay has reached backoffMax
	delays := backoff.ExponentialBackOff{InitialInterval: t.backoffBase, MaxInterval: t.backoffMax, Multiplier: 2, RandomizationFactor: 0.25}
	for range min(n, enough) {
		delays.NextBackOff()
	}
	return delays.NextBackOff()
}
