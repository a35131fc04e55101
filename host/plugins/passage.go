package plugins

import (
	"context"
	"errors"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// passage is a call that a breaker let through. A nil one is of an instance that
// has no breaker.
type passage struct {
	b        *breaker
	tenant   string
	since    time.Time
	all, own bool // it is the probe of the instance's circuit, of the tenant's
	begun    bool
}

// counts reports whether the call says something about the circuit as it is now.
func (p *passage) counts(c *circuit, probe bool) bool { return probe || !p.since.Before(c.changed) }

// begin says that the answer has begun. That is enough to let others pass: a long
// reply should not keep them waiting.
func (p *passage) begin() {
	if p == nil || p.begun {
		return
	}
	p.begun = true
	if !p.all && !p.own {
		return
	}
	b := p.b
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if own := b.tenants[p.tenant]; p.own && own != nil {
		own.begin(now)
		b.tellClosed(p.tenant)
	}
	if p.all {
		b.all.begin(now)
		b.tellClosed("")
	}
	p.all, p.own, p.since = false, false, now
}

// end says how the call ended on proc, which is nil if it reached none. ctx is the
// caller's.
func (p *passage) end(ctx context.Context, err error, proc *process) {
	if p == nil {
		return
	}
	b := p.b
	b.mu.Lock()
	defer b.mu.Unlock()
	// A probe that says nothing leaves its place to the next call.
	if p.all {
		b.all.probing = false
	}
	if own := b.tenants[p.tenant]; p.own && own != nil {
		own.probing = false
	}
	switch says := verdictOf(ctx, err); {
	case says == saysNothing, proc == nil: // where there is no process, its supervisor refuses calls by itself
	case says == saysAnswered:
		b.answered(p, time.Now())
	case says == saysEnded && proc.hasExited():
		if proc == b.crashed {
			return // one end cuts off any number of calls
		}
		b.crashed = proc
		fallthrough
	default:
		b.fail(p, time.Now(), err)
	}
}

// verdict is what the end of a call says about the upstream.
type verdict int

const (
	saysNothing  verdict = iota
	saysAnswered         // with success, or with a refusal of just this call
	saysFailed
	saysEnded // the plugin went away, or calls itself unavailable
)

func verdictOf(ctx context.Context, err error) verdict {
	if err == nil {
		return saysAnswered
	}
	if ctx.Err() != nil {
		// The caller gave up. Only it knows whether that was for the upstream's silence.
		var blame interface{ BlamesUpstream() bool }
		if errors.As(context.Cause(ctx), &blame) && blame.BlamesUpstream() {
			return saysFailed
		}
		return saysNothing
	}
	switch fault.Of(err).Class {
	case fault.ProviderFailed, fault.Deadline:
		return saysFailed
	case fault.PluginUnavailable:
		return saysEnded
	case fault.Internal, fault.Canceled, fault.UnknownInstance:
		return saysNothing // of the upstream
	default:
		return saysAnswered
	}
}
