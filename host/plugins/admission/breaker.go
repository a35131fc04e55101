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

// Breaker is the circuit breaker of one instance. While the instance's upstream fails, the
// breaker refuses calls at once, so that callers do not wait and the upstream gets no
// calls.
//
// Each call passes two circuits: the shared circuit, which all tenants of the instance use,
// and the circuit of the calling tenant. If all failures in a row are of one tenant, they
// open only this tenant's circuit, because the tenant's own requests may cause them. If
// failures in a row are of several tenants, they open the shared circuit.
//
// A nil Breaker admits every call. A Breaker is safe for concurrent use.
type Breaker struct {
	opts BreakerOptions

	mu            sync.Mutex
	shared        circuit
	firstFailed   string              // the tenant of the first failure that the shared circuit counts
	severalFailed bool                // whether a tenant other than firstFailed failed too
	tenants       map[string]*circuit // the circuits of tenants whose last call failed
	crashed       Process             // the process whose crash was counted last
}

// BreakerOptions configures a Breaker.
type BreakerOptions struct {
	Kind string
	// Plugin is the plugin's name in error messages.
	Plugin string
	// Log returns the log of the instance. The breaker calls Log when a circuit opens or
	// closes.
	Log func() hclog.Logger
}

// NewBreaker returns the breaker of an instance. It returns nil for a kind of plugin that
// has no upstream.
func NewBreaker(o BreakerOptions) *Breaker {
	switch o.Kind {
	case llm.Kind:
		return &Breaker{opts: o}
	case storage.Kind:
		return &Breaker{opts: o, shared: circuit{maxPause: storageCircuit}}
	}
	return nil
}

// Check returns an error while the breaker refuses calls of the tenant. It does not change
// the breaker.
func (b *Breaker) Check(tenant string) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.checkLocked(tenant, time.Now())
}

// checkLocked returns an error if the tenant's circuit or the shared circuit refuses the
// call. It checks the tenant's circuit first, so that a tenant whose own calls fail does
// not make the probe of the shared circuit. Locked: mu is held.
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

// Admit returns a permit for one call, or an error if the breaker refuses the call. The
// caller must call End of the permit.
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

// AdmitUrgent returns a permit even while a circuit is open. It is for a call that
// completes started work, such as the commit of a turn. The caller must call End of the
// permit.
func (b *Breaker) AdmitUrgent(tenant string) *Permit {
	if b == nil {
		return nil
	}
	return &Permit{breaker: b, tenant: tenant, since: time.Now()}
}

// OpenCircuits returns how many circuits are open, the shared circuit included.
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
		// While the shared circuit is open, a failure is counted for the tenant only if it
		// is the probe of the tenant's own circuit.
		return
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

// succeedLocked counts a call to which the upstream responded. Locked: mu is held.
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
		clear(b.tenants) // the failures were the upstream's, so the circuits of tenants are dropped
		b.logClosed("")
	}
}

// logClosed logs that the tenant's circuit closed, or the shared circuit if tenant is
// empty.
func (b *Breaker) logClosed(tenant string) {
	if tenant != "" {
		b.opts.Log().Info("circuit closed for the tenant: the upstream answers", "tenant", tenant)
		return
	}
	b.opts.Log().Info("circuit closed: the upstream answers")
}
