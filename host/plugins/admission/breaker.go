package admission

import (
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// Breaker is the circuit breaker of one instance. While the instance's upstream fails, it
// refuses calls at once: that spares callers the wait, and the upstream the calls.
//
// Each call passes two circuits: one that all tenants of the instance share, and one of the
// calling tenant. Failures in a row of one tenant alone open only its own circuit, because
// the tenant's own requests may cause them. Failures in a row of several tenants open the
// shared circuit.
//
// A nil Breaker admits every call. It is used by any number of goroutines.
type Breaker struct {
	opts BreakerOptions

	mu            sync.Mutex
	shared        circuit
	firstFailed   string              // the tenant of the first failure that shared counts
	severalFailed bool                // another tenant failed too
	tenants       map[string]*circuit // one for each tenant whose last call failed
	crashed       Process             // the process whose crash was counted last
}

// BreakerOptions configure a Breaker.
type BreakerOptions struct {
	Kind string
	// Plugin names the plugin in messages.
	Plugin string
	// Log returns the log of the instance. It is called when a circuit opens or closes.
	Log func() hclog.Logger
}

// NewBreaker returns the breaker of an instance. It is nil for kinds without an upstream.
func NewBreaker(o BreakerOptions) *Breaker {
	switch o.Kind {
	case llm.Kind:
		return &Breaker{opts: o}
	case storage.Kind:
		return &Breaker{opts: o, shared: circuit{maxPause: storageCircuit}}
	}
	return nil
}

// Check returns an error while calls of the tenant are refused. It reserves nothing.
func (b *Breaker) Check(tenant string) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.checkLocked(tenant, time.Now())
}

// checkLocked returns an error if one of the two circuits refuses the call. It asks the
// tenant's circuit first, so that the probe of the shared circuit is not a call of a tenant
// that is known to fail. Locked: mu is held.
func (b *Breaker) checkLocked(tenant string, now time.Time) error {
	var wait time.Duration
	if own := b.tenants[tenant]; own != nil {
		wait = own.refusesFor(now)
	}
	if wait == 0 {
		wait = b.shared.refusesFor(now)
	}
	if wait == 0 {
		return nil
	}
	return fault.New(fault.ProviderFailed, "the upstream of the %s failed again and again, and is not called for a while", b.opts.Plugin).After(wait)
}

// Admit returns a permit for one call, or the error of a call that is refused. The permit
// must be ended.
func (b *Breaker) Admit(tenant string) (*Permit, error) {
	if b == nil {
		return nil, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &Permit{breaker: b, tenant: tenant, since: time.Now()}
	if err := b.checkLocked(tenant, p.since); err != nil {
		return nil, err
	}
	p.probesShared = b.shared.isOpen()
	b.shared.probing = p.probesShared
	if own := b.tenants[tenant]; own != nil {
		p.probesTenant = own.isOpen()
		own.probing = p.probesTenant
	}
	return p, nil
}

// AdmitUrgent returns a permit although a circuit is open. It is for a call that completes
// work that is under way, such as the commit of a turn. The permit must be ended.
func (b *Breaker) AdmitUrgent(tenant string) *Permit {
	if b == nil {
		return nil
	}
	return &Permit{breaker: b, tenant: tenant, since: time.Now()}
}

// OpenCircuits returns how many circuits are open.
func (b *Breaker) OpenCircuits() int {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	if b.shared.isOpen() {
		n++
	}
	for _, c := range b.tenants {
		if c.isOpen() {
			n++
		}
	}
	return n
}

// failLocked counts a failure. Locked: mu is held.
func (b *Breaker) failLocked(p *Permit, now time.Time, err error) {
	if p.counts(&b.shared, p.probesShared) {
		if b.shared.failures == 0 && !b.shared.isOpen() {
			b.firstFailed, b.severalFailed = p.tenant, false
		}
		b.severalFailed = b.severalFailed || p.tenant != b.firstFailed
		if b.shared.fail(now, failure{isProbe: p.probesShared, mayOpen: b.severalFailed}) {
			b.opts.Log().Warn("circuit opened: calls fail at once until the upstream answers a probe", "for", b.shared.pause, "error", err)
		}
	}
	if b.shared.isOpen() && !p.probesTenant {
		return // the failure is not the tenant's
	}
	own := b.tenants[p.tenant]
	if own == nil {
		if len(b.tenants) >= bounds.FailingTenants {
			clear(b.tenants)
		}
		if b.tenants == nil {
			b.tenants = map[string]*circuit{}
		}
		own = &circuit{maxPause: b.shared.maxPause}
		b.tenants[p.tenant] = own
	}
	if p.counts(own, p.probesTenant) && own.fail(now, failure{isProbe: p.probesTenant, mayOpen: true}) {
		b.opts.Log().Warn("circuit opened for one tenant: its calls fail at once until the upstream answers a probe",
			"tenant", p.tenant, "for", own.pause, "error", err)
	}
}

// succeedLocked counts a call that the upstream answered. Locked: mu is held.
func (b *Breaker) succeedLocked(p *Permit, now time.Time) {
	if own := b.tenants[p.tenant]; own != nil && p.counts(own, p.probesTenant) {
		delete(b.tenants, p.tenant)
		if own.isOpen() {
			b.logClosed(p.tenant)
		}
	}
	if !p.counts(&b.shared, p.probesShared) {
		return
	}
	if b.shared.succeed(now) {
		clear(b.tenants) // the upstream was at fault, not a tenant
		b.logClosed("")
	}
}

// logClosed logs that a circuit closed: the tenant's, or the shared one if tenant is empty.
func (b *Breaker) logClosed(tenant string) {
	if tenant != "" {
		b.opts.Log().Info("circuit closed for the tenant: the upstream answers", "tenant", tenant)
		return
	}
	b.opts.Log().Info("circuit closed: the upstream answers")
}
