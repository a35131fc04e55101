package budget

import (
	"context"
	"time"
)

// paceRest is how much longer than necessary a pause of Pace.Wait is. What comes after the pause
// then passes for a while without a pause of its own.
const paceRest = 10 * time.Millisecond

// Pace limits how fast something is read. It is a token bucket whose tokens are time: what is read
// spends a time, and the elapsed time pays for it. Only one goroutine may use a Pace. A nil Pace
// has no limit.
type Pace struct {
	credit time.Duration
	owed   time.Duration // what was spent, and had not been paid at the time at
	at     time.Time
}

// NewPace returns a Pace that begins now and may be ahead of the elapsed time by the credit.
func NewPace(credit time.Duration) *Pace { return &Pace{credit: credit, at: time.Now()} }

// Wait spends the time cost, and waits until the Pace is ahead by no more than its credit. If ctx
// ends first, Wait returns the cause of that.
func (p *Pace) Wait(ctx context.Context, cost time.Duration) error {
	if p == nil {
		return nil
	}
	if p.owed += cost; p.owed <= p.credit { // most readers never need the clock
		return nil
	}
	now := time.Now()
	p.owed, p.at = max(0, p.owed-cost-now.Sub(p.at))+cost, now
	if p.owed <= p.credit {
		return nil
	}
	pause := time.NewTimer(p.owed - p.credit + paceRest)
	defer pause.Stop()
	select {
	case <-pause.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
