package echo

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// pace waits before each token of a reply. It uses one timer for all tokens, and none if the delays are
// zero.
type pace struct {
	first, next time.Duration
	started     bool
	timer       *time.Timer
}

func (p *pace) wait(ctx context.Context) error {
	delay := p.next
	if !p.started {
		delay, p.started = p.first, true
	}
	if delay == 0 {
		return nil
	}
	if p.timer == nil {
		p.timer = time.NewTimer(delay)
	} else {
		p.timer.Reset(delay)
	}
	select {
	case <-p.timer.C:
		return nil
	case <-ctx.Done():
		return fault.Of(ctx.Err())
	}
}

func (p *pace) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}
