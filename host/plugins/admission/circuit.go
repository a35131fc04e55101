package admission

import (
	"cmp"
	"time"
)

const (
	circuitFailures = 5               // this many in a row open a circuit
	circuitBase     = 5 * time.Second // until the first probe; doubles with each probe that fails
	circuitMax      = time.Minute
)

// storageCircuit is the maxPause of a storage's circuits. It is below circuitBase, so every
// pause has this length. A short pause notices a recovered database soon, and a probe of one
// that is still down costs little.
const storageCircuit = 2 * time.Second

// circuit is one circuit of a breaker. While it is closed, calls pass, and failures in a
// row are counted. After circuitFailures of them it opens: calls are refused for a pause.
// After the pause one call may pass, the probe. If the probe succeeds, the circuit
// closes; if it fails, the next pause is twice as long, up to a maximum.
//
// The zero value is closed. A circuit has no lock of its own. Its breaker's mu is held
// during all of its methods.
type circuit struct {
	maxPause time.Duration // 0 is circuitMax
	failures int           // in a row, while closed
	pause    time.Duration // the last one; 0 after a success
	until    time.Time     // the end of the pause; zero while closed
	probing  bool          // the probe has not ended
	changed  time.Time     // when it opened or closed last; zero is never
}

// failure is a call that failed, as a circuit counts it.
type failure struct {
	isProbe bool
	// mayOpen says that the failure may open the circuit. If not, it is only counted,
	// and the next failure that may open the circuit does.
	mayOpen bool
}

// isOpen reports whether calls are refused, except for the probe.
func (c *circuit) isOpen() bool { return !c.until.IsZero() }

// refusesFor returns how long the circuit will refuse calls from now on. It is 0 if a call
// may pass. While the probe is under way, the time is not known, and a second is returned.
func (c *circuit) refusesFor(now time.Time) time.Duration {
	switch {
	case !c.isOpen():
		return 0
	case now.Before(c.until):
		return c.until.Sub(now)
	case c.probing:
		return time.Second
	}
	return 0
}

// fail counts a failure and reports whether it opened the circuit. While the circuit is
// open, only the probe counts.
func (c *circuit) fail(now time.Time, f failure) (opened bool) {
	if c.isOpen() {
		if f.isProbe {
			c.openAgain(now)
		}
		return false
	}
	c.failures++
	if c.failures < circuitFailures || !f.mayOpen {
		return false
	}
	c.openAgain(now)
	return true
}

// openAgain begins a pause. It is twice as long as the last one, within the bounds.
func (c *circuit) openAgain(now time.Time) {
	c.pause = min(max(2*c.pause, circuitBase), cmp.Or(c.maxPause, circuitMax))
	c.until, c.changed, c.probing = now.Add(c.pause), now, false
}

// succeed closes the circuit and reports whether it was open.
func (c *circuit) succeed(now time.Time) (closed bool) {
	closed = c.isOpen()
	c.failures, c.pause = 0, 0
	if closed {
		c.until, c.changed, c.probing = time.Time{}, now, false
	}
	return closed
}

// closeOnProbation closes the circuit, but the next failure that may open it opens it again,
// and for longer. A success ends the probation.
func (c *circuit) closeOnProbation(now time.Time) {
	c.failures, c.until, c.changed, c.probing = circuitFailures-1, time.Time{}, now, false
}
