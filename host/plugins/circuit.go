package plugins

import (
	"cmp"
	"time"
)

const (
	circuitFailures = 5               // in a row open a circuit
	circuitBase     = 5 * time.Second // until the first probe; doubles with each that fails
	circuitMax      = time.Minute
)

// storageCircuit is every pause of a storage's circuit. A database that is back is
// noticed soon, and asking one that is not costs little.
const storageCircuit = 2 * time.Second

// circuit counts failures in a row and opens after circuitFailures of them. Then
// nothing passes until a time has come; one call may try then, the probe, which
// closes the circuit or keeps it open for twice the time, up to a longest. The zero value is closed.
// It has no lock.
type circuit struct {
	most     time.Duration // longest pause; 0 is circuitMax
	failures int           // in a row, while closed
	pause    time.Duration // of the last opening; 0 once it recovered
	until    time.Time     // when a probe may pass; zero while closed
	probing  bool
	changed  time.Time // what began before says nothing about now; zero is never
}

// open reports whether calls are refused, the probe excepted.
func (c *circuit) open() bool { return !c.until.IsZero() }

// refuses answers how long the circuit will refuse calls from now on, 0 if one may
// pass. While a probe is out nobody knows; a moment is answered.
func (c *circuit) refuses(now time.Time) time.Duration {
	switch {
	case !c.open():
		return 0
	case now.Before(c.until):
		return c.until.Sub(now)
	case c.probing:
		return time.Second
	}
	return 0
}

// fail counts a failure and reports whether it opened the circuit. Unless it may,
// the circuit stays closed, and opens at the first failure that may open it. While
// it is open only the probe counts.
func (c *circuit) fail(now time.Time, probe, may bool) bool {
	if c.open() {
		if probe {
			c.reopen(now)
		}
		return false
	}
	c.failures++
	if c.failures < circuitFailures || !may {
		return false
	}
	c.reopen(now)
	return true
}

func (c *circuit) reopen(now time.Time) {
	c.pause = min(max(2*c.pause, circuitBase), cmp.Or(c.most, circuitMax))
	c.until, c.changed, c.probing = now.Add(c.pause), now, false
}

// succeed closes the circuit and reports whether it was open.
func (c *circuit) succeed(now time.Time) bool {
	was := c.open()
	c.failures, c.pause = 0, 0
	if was {
		c.until, c.changed, c.probing = time.Time{}, now, false
	}
	return was
}

// begin closes the circuit on probation: the next failure, if no success comes
// before, opens it again, for longer.
func (c *circuit) begin(now time.Time) {
	c.failures, c.until, c.changed, c.probing = circuitFailures-1, time.Time{}, now, false
}
