package plugins

import (
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
)

// breaker spares callers the wait for an upstream that fails, and the upstream the
// calls. There are two circuits in the way of each call: the instance's, and one of
// the tenant that calls. Failures in a row of one tenant alone open its own only,
// for they may come of what that tenant sends; those of several open the instance's.
type breaker struct {
	in *instance

	mu      sync.Mutex
	all     circuit
	first   string              // the tenant of the first failure that all counts
	several bool                // others failed too
	tenants map[string]*circuit // those whose last call failed
	crashed *process            // whose end was counted
}

func newBreaker(in *instance) *breaker {
	b := &breaker{in: in}
	if in.sup.ref.Kind == "storage" {
		b.all.most = storageCircuit
	}
	return b
}

// hasBreaker reports whether instances of the kind have an upstream to spare.
func hasBreaker(kind string) bool { return kind == "llm" || kind == "storage" }

// check fails while the tenant's calls are refused.
func (b *breaker) check(tenant string) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refusal(tenant, time.Now())
}

// refusal asks the tenant's circuit first, so that a tenant that is known to fail
// is not the probe for all. The lock is held.
func (b *breaker) refusal(tenant string, now time.Time) error {
	var wait time.Duration
	if own := b.tenants[tenant]; own != nil {
		wait = own.refuses(now)
	}
	if wait == 0 {
		wait = b.all.refuses(now)
	}
	if wait == 0 {
		return nil
	}
	return fault.New(fault.ProviderFailed, "the upstream of the %s failed again and again, and is not called for a while", b.in.sup.ref).After(wait)
}

// pass lets a call through, or fails at once. The passage must be ended. A call
// that is urgent is not refused: it ends what began when all was well.
func (b *breaker) pass(tenant string, urgent bool) (*passage, error) {
	if b == nil {
		return nil, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &passage{b: b, tenant: tenant, since: time.Now()}
	if urgent {
		return p, nil
	}
	if err := b.refusal(tenant, p.since); err != nil {
		return nil, err
	}
	p.all = b.all.open()
	b.all.probing = p.all
	if own := b.tenants[tenant]; own != nil {
		p.own = own.open()
		own.probing = p.own
	}
	return p, nil
}

// open counts the circuits that are open.
func (b *breaker) open() int {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	if b.all.open() {
		n++
	}
	for _, c := range b.tenants {
		if c.open() {
			n++
		}
	}
	return n
}

// fail counts a failure. The lock is held.
func (b *breaker) fail(p *passage, now time.Time, err error) {
	if p.counts(&b.all, p.all) {
		if b.all.failures == 0 && !b.all.open() {
			b.first, b.several = p.tenant, false
		}
		b.several = b.several || p.tenant != b.first
		if b.all.fail(now, p.all, b.several) {
			b.log().Warn("circuit opened: calls fail at once until the upstream answers a probe", "for", b.all.pause, "error", err)
		}
	}
	if b.all.open() && !p.own {
		return // it is not the tenant's
	}
	own := b.tenants[p.tenant]
	if own == nil {
		if len(b.tenants) >= bounds.FailingTenants {
			clear(b.tenants)
		}
		if b.tenants == nil {
			b.tenants = map[string]*circuit{}
		}
		own = &circuit{most: b.all.most}
		b.tenants[p.tenant] = own
	}
	if p.counts(own, p.own) && own.fail(now, p.own, true) {
		b.log().Warn("circuit opened for one tenant: its calls fail at once until the upstream answers a probe",
			"tenant", p.tenant, "for", own.pause, "error", err)
	}
}

// answered notes that the upstream works. The lock is held.
func (b *breaker) answered(p *passage, now time.Time) {
	if own := b.tenants[p.tenant]; own != nil && p.counts(own, p.own) {
		delete(b.tenants, p.tenant)
		if own.open() {
			b.tellClosed(p.tenant)
		}
	}
	if !p.counts(&b.all, p.all) {
		return
	}
	if b.all.succeed(now) {
		clear(b.tenants) // the upstream was it, and none of them
		b.tellClosed("")
	}
}

// tellClosed logs that a circuit closed, of a tenant or, without one, the instance's.
func (b *breaker) tellClosed(tenant string) {
	if tenant != "" {
		b.log().Info("circuit closed for the tenant: the upstream answers", "tenant", tenant)
		return
	}
	b.log().Info("circuit closed: the upstream answers")
}

func (b *breaker) log() hclog.Logger { return b.in.sup.log.With("instance", b.in.id(b.in.sup.sum())) }
