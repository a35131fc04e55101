package admission

import (
	"context"
	"errors"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Process is the plugin process that a call was made on. The same process is the same
// value, so that many calls that end with one process are counted as one failure.
type Process interface {
	// HasExited reports whether the process is known to have ended.
	HasExited() bool
}

// Permit is leave of a breaker to make one call. End must be called once. A nil permit
// is that of an instance without a breaker; its methods do nothing.
type Permit struct {
	breaker *Breaker
	tenant  string
	since   time.Time
	// probesShared and probesTenant say that the call is the probe of the circuit that
	// all tenants share, and of the tenant's own.
	probesShared, probesTenant bool
	began                      bool
}

// counts reports whether the call says something about the circuit as it is now: a call
// from before its last change does not, unless it is the probe.
func (p *Permit) counts(c *circuit, probe bool) bool { return probe || !p.since.Before(c.changed) }

// AnswerBegan says that the answer of the call has begun. If the call is a probe, its
// circuit lets others pass from now on: a long reply does not keep them waiting. Later
// calls of AnswerBegan do nothing. It is called by one goroutine.
func (p *Permit) AnswerBegan() {
	if p == nil || p.began {
		return
	}
	p.began = true
	if !p.probesShared && !p.probesTenant {
		return
	}
	b := p.breaker
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if own := b.tenants[p.tenant]; p.probesTenant && own != nil {
		own.closeOnProbation(now)
		b.logClosed(p.tenant)
	}
	if p.probesShared {
		b.shared.closeOnProbation(now)
		b.logClosed("")
	}
	p.probesShared, p.probesTenant, p.since = false, false, now
}

// End says how the call ended. ctx is the caller's. process is nil if the call reached no
// process; then the error says nothing about the upstream.
func (p *Permit) End(ctx context.Context, err error, process Process) {
	if p == nil {
		return
	}
	b := p.breaker
	b.mu.Lock()
	defer b.mu.Unlock()
	// A probe that says nothing leaves its place to the next call.
	if p.probesShared {
		b.shared.probing = false
	}
	if own := b.tenants[p.tenant]; p.probesTenant && own != nil {
		own.probing = false
	}
	switch says := verdictOf(ctx, err); {
	case says == saysNothing, process == nil: // without a process, the supervisor refuses calls by itself
	case says == saysAnswered:
		b.succeedLocked(p, time.Now())
	case says == saysEnded && process.HasExited():
		if process == b.crashed {
			return // one crash cuts off any number of calls
		}
		b.crashed = process
		fallthrough
	default:
		b.failLocked(p, time.Now(), err)
	}
}

// verdict is what the end of a call says about the upstream.
type verdict int

const (
	saysNothing  verdict = iota
	saysAnswered         // with success, or with a refusal of just this call
	saysFailed
	saysEnded // the plugin crashed, or calls itself unavailable
)

// verdictOf decides whether a call's end counts as a failure of the upstream. An error of
// a caller that gave up counts only if it says so by a method BlamesUpstream.
func verdictOf(ctx context.Context, err error) verdict {
	if err == nil {
		return saysAnswered
	}
	if ctx.Err() != nil {
		var cause interface{ BlamesUpstream() bool }
		if errors.As(context.Cause(ctx), &cause) && cause.BlamesUpstream() {
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
		return saysNothing
	default:
		return saysAnswered
	}
}
