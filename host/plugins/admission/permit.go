package admission

import (
	"context"
	"errors"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Process is the plugin process that a call was made on. Values are compared with ==. Calls
// on the same process have the same value, so that a crash that ends many calls is counted
// as one failure.
type Process interface {
	// HasExited reports whether the process is known to have ended.
	HasExited() bool
}

// Permit allows one call to be made. A Breaker returns it, and End must be called exactly
// once. A nil Permit belongs to an instance without a breaker; its methods do nothing.
type Permit struct {
	breaker *Breaker
	tenant  string
	since   time.Time
	// probesShared says that the call is the probe of the shared circuit. probesTenant says
	// that the call is the probe of the tenant's circuit.
	probesShared, probesTenant bool
	began                      bool
}

// counts reports whether the circuit counts the result of the call. A probe always counts.
// Another call counts only if it was admitted after the circuit last opened or closed.
func (p *Permit) counts(c *circuit, probe bool) bool { return probe || !p.since.Before(c.changed) }

// AnswerBegan records that the first part of the answer has arrived. If the call is a
// probe, its circuit lets other calls pass from now on, so that they need not wait for the
// end of a long reply. Repeated calls of AnswerBegan do nothing. AnswerBegan is not safe
// for concurrent use.
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

// End records the result of the call. ctx is the context of the caller. process is nil if
// the call reached no process; then the result counts neither as a success nor as a
// failure.
func (p *Permit) End(ctx context.Context, err error, process Process) {
	if p == nil {
		return
	}
	b := p.breaker
	b.mu.Lock()
	defer b.mu.Unlock()
	// If the result of this probe counts neither as a success nor as a failure, the next
	// call becomes the probe.
	if p.probesShared {
		b.shared.probing = false
	}
	if own := b.tenants[p.tenant]; p.probesTenant && own != nil {
		own.probing = false
	}
	switch says := verdictOf(ctx, err); {
	case says == saysNothing, process == nil: // without a process, the result says nothing about the upstream
	case says == saysAnswered:
		b.succeedLocked(p, time.Now())
	case says == saysEnded && process.HasExited():
		if process == b.crashed {
			return // a crash counts once, however many calls it ends
		}
		b.crashed = process
		fallthrough
	default:
		b.failLocked(p, time.Now(), err)
	}
}

// verdict is what the result of a call says about the upstream.
type verdict int

const (
	saysNothing  verdict = iota
	saysAnswered         // the upstream responded with success, or refused just this call
	saysFailed           // the upstream failed or did not answer in time
	saysEnded            // the plugin crashed, or says that it is unavailable
)

// verdictOf returns what the result err of a call says about the upstream. If the caller
// gave the call up, the call counts as a failure only if the cause of ctx has a method
// BlamesUpstream that returns true.
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
