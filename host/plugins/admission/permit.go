package admission

import (
	"context"
	"errors"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Process is the plugin process that a call was made on. Values are compared by ==: calls
// on the same process have the same value, so that one crash that ends many calls is counted
// as one failure.
type Process interface {
	// HasExited reports whether the process is known to have ended.
	HasExited() bool
}

// Permit allows one call to be made. A breaker gives it. End must be called once. A nil
// permit belongs to an instance without a breaker; its methods do nothing.
type Permit struct {
	breaker *Breaker
	tenant  string
	since   time.Time
	// probesShared and probesTenant say that the call is the probe of the circuit that
	// all tenants share, and of the tenant's own.
	probesShared, probesTenant bool
	began                      bool
}

// counts reports whether the result of the call counts for the circuit. A call that was
// admitted before the circuit last opened or closed does not count, unless it is the probe.
func (p *Permit) counts(c *circuit, probe bool) bool { return probe || !p.since.Before(c.changed) }

// AnswerBegan notes that the first part of the answer has arrived. If the call is a probe,
// its circuit lets other calls pass from now on, so that they need not wait for the end of a
// long reply. Later calls of AnswerBegan do nothing. It is called by one goroutine.
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

// End notes how the call ended. ctx is the caller's. process is nil if the call reached no
// process; then the error says nothing about the upstream.
func (p *Permit) End(ctx context.Context, err error, process Process) {
	if p == nil {
		return
	}
	b := p.breaker
	b.mu.Lock()
	defer b.mu.Unlock()
	// If the result of a probe says nothing, the next call becomes the probe.
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

// verdict tells what the result of a call says about the upstream.
type verdict int

const (
	saysNothing  verdict = iota
	saysAnswered         // the upstream answered: with success, or by refusing just this call
	saysFailed           // the upstream failed or did not answer in time
	saysEnded            // the plugin crashed, or calls itself unavailable
)

// verdictOf decides whether the result of a call counts as a failure of the upstream. If
// the caller gave the call up, that counts only if the cause of its ctx has a method
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
