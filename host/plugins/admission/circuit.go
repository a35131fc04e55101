package admission

import (
	"cmp"
	"time"
)

const (
	circuitFailures = 5               // how many failures in a row open a circuit
	circuitBase     = 5 * time.Second // the first pause; each failed probe doubles the pause
	circuitMax      = time.Minute
)

// storageCircuit is the maxPause of a storage's circuits. It is below circuitBase, so every
// pause is storageCircuit long. A short pause notices soon that the database works again,
// and a failed probe of a database costs little.
const storageCircuit = 2 * time.Second

// circuit is one circuit of a Breaker. While the circuit is closed, calls pass, and the
// circuit counts failures in a row. After circuitFailures failures in a row, the circuit
// opens and refuses calls for a pause. After the pause, one call may pass: the probe. If
// the probe succeeds, the circuit closes. If the probe fails, the next pause is twice as
// long, up to maxPause.
//
// The zero value is a closed circuit. A circuit has no lock of its own: the caller of each
// method holds Breaker.mu.
type circuit struct {
	maxPause time.Duration // 0 means circuitMax
	failures int           // failures in a row while the circuit is closed
	pause    time.Duration // the length of the last pause; 0 after a success
	until    time.Time     // when the pause ends; zero while the circuit is closed
	probing  bool          // whether a probe is under way
	changed  time.Time     // when the circuit last opened or closed; zero if it never did
}

// failure describes a failed call to circuit.fail.
type failure struct {
	isProbe bool
	// mayOpen says whether this failure may open the circuit. Each failure is counted, so
	// the next failure that may open the circuit can open it.
	mayOpen bool
}

// isOpen reports whether the circuit is open.
func (c *circuit) isOpen() bool { return !c.until.IsZero() }

// refusesFor returns how long the circuit will refuse calls from now on. It returns 0 if a
// call may pass. While a probe is under way, the time is not known, and refusesFor returns
// one second.
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

// fail counts a failure and reports whether the failure opened the circuit. An open circuit
// counts only a failed probe.
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

// openAgain opens the circuit for a pause that is twice as long as the last pause, at least
// circuitBase and at most maxPause.
func (c *circuit) openAgain(now time.Time) {
	c.pause = min(max(2*c.pause, circuitBase), cmp.Or(c.maxPause, circuitMax))
	c.until, c.changed, c.probing = now.Add(c.pause), now, false
}

// succeed closes the circuit and reports whether the circuit was open.
func (c *circuit) succeed(now time.Time) (closed bool) {
	closed = c.isOpen()
	c.failures, c.pause = 0, 0
	if closed {
		c.until, c.changed, c.probing = time.Time{}, now, false
	}
	return closed
}

// closeOnProbation closes the circuit. The next failure that may open the circuit opens it
// again, for a longer pause than before. A success ends the probation.
func (c *circuit) closeOnProbation(now time.Time) {
	c.failures, c.until, c.changed, c.probing = circuitFailures-1, time.Time{}, now, false
}
