package fairshare

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Bounds are the limits of a [Pool].
type Bounds struct {
	// Each is the most that one tenant may have. All is the most that all tenants together may
	// have.
	Each, All int64
	// WaitingEach is how many calls of Acquire may wait for one tenant, and WaitingAll for all
	// tenants together. If one of them is 0, Acquire does not wait.
	WaitingEach, WaitingAll int
	// Wait is the longest time that a call of Acquire waits.
	Wait time.Duration
}

// Pool is a limited amount that tenants share, such as requests or bytes. A tenant may have at most
// Bounds.Each, and at most half of what other tenants leave. So a tenant that comes late gets a
// part, even if other tenants have taken as much as Pool allowed.
type Pool struct {
	what   string // the name of the amount in errors
	bounds func() Bounds

	mu      sync.Mutex
	used    int64                  // the amount that all tenants have together
	tenants map[string]*poolTenant // the tenants that have a part of the amount or wait for one
	ring    []*poolTenant          // the tenants that wait; the tenant to be served next is first
	waiting int                    // the number of waiting calls of all tenants
}

// poolTenant is a tenant that has a part of a pool or waits for one.
type poolTenant struct {
	held    int64
	waiters []*poolWaiter // in the order of arrival
}

// poolWaiter is a call of Acquire that waits.
type poolWaiter struct {
	amount int64
	ready  chan struct{} // closed, while Pool.mu is held, after the amount was taken for this call
}

// NewPool returns a Pool. Errors call the amount by the name in what, such as "reads at work". The
// pool calls bounds each time that it needs the limits, because settings may change. A limit that
// becomes smaller takes nothing away from tenants that already have more.
func NewPool(what string, bounds func() Bounds) *Pool {
	return &Pool{what: what, bounds: bounds, tenants: map[string]*poolTenant{}}
}

// Held returns the amount that all tenants have together.
func (p *Pool) Held() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.used
}

// Waiting returns how many calls of Acquire wait.
func (p *Pool) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting
}

// Acquire returns a Share of the amount for the tenant. It waits for at most Bounds.Wait. The
// caller releases the Share. Acquire returns a fault.RateLimited error with RetryAfter if the
// limits do not allow the amount, or the cause of ctx if ctx ends.
func (p *Pool) Acquire(ctx context.Context, name string, amount int64) (*Share, error) {
	b := p.bounds()
	p.mu.Lock()
	t := p.tenantLocked(name)
	if len(t.waiters) == 0 && p.fitsLocked(t, amount, b) {
		p.takeLocked(t, amount)
		p.forgetIdleLocked(name, t) // an amount of 0 leaves the tenant without a part
		p.mu.Unlock()
		return &Share{pool: p, name: name, amount: amount}, nil
	}
	if len(t.waiters) >= b.WaitingEach || p.waiting >= b.WaitingAll || amount > min(b.Each, (b.All+1)/2) {
		err := p.refusalLocked(t, amount, b)
		p.forgetIdleLocked(name, t)
		p.mu.Unlock()
		return nil, err
	}
	w := &poolWaiter{amount: amount, ready: make(chan struct{})}
	if len(t.waiters) == 0 {
		p.ring = append(p.ring, t)
	}
	t.waiters = append(t.waiters, w)
	p.waiting++
	p.mu.Unlock()

	timeout := time.NewTimer(b.Wait)
	defer timeout.Stop()
	var err error
	select {
	case <-w.ready:
		return &Share{pool: p, name: name, amount: amount}, nil
	case <-ctx.Done():
		err = fault.Of(context.Cause(ctx))
	case <-timeout.C:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-w.ready: // serveLocked served this call just when it stopped waiting
		if err == nil {
			return &Share{pool: p, name: name, amount: amount}, nil
		}
		p.returnLocked(name, t, amount)
	default:
		p.removeLocked(t, w)
		if err == nil {
			err = p.refusalLocked(t, amount, b)
		}
		p.forgetIdleLocked(name, t)
		p.serveLocked() // the tenant's next waiting call may want a smaller amount, which fits
	}
	return nil, err
}

// Check returns nil if Acquire would return a Share at once, or the error that says why Acquire
// would not. It takes nothing from the pool.
func (p *Pool) Check(name string, amount int64) error {
	b := p.bounds()
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tenantLocked(name)
	defer p.forgetIdleLocked(name, t)
	if p.fitsLocked(t, amount, b) {
		return nil
	}
	return p.refusalLocked(t, amount, b)
}

// tenantLocked returns the tenant's entry, and adds the entry if it is missing. Locked: mu is held.
func (p *Pool) tenantLocked(name string) *poolTenant {
	t := p.tenants[name]
	if t == nil {
		t = &poolTenant{}
		p.tenants[name] = t
	}
	return t
}

// forgetIdleLocked removes the entry of a tenant that has nothing and does not wait. Locked: mu is
// held.
func (p *Pool) forgetIdleLocked(name string, t *poolTenant) {
	if t.held == 0 && len(t.waiters) == 0 {
		delete(p.tenants, name)
	}
}

// fitsLocked reports whether the bounds allow the tenant to have the amount in addition to its
// part. Locked: mu is held.
func (p *Pool) fitsLocked(t *poolTenant, amount int64, b Bounds) bool {
	// A tenant may have half of what other tenants leave, so a tenant that is alone may have half
	// of All.
	others := p.used - t.held
	return t.held+amount <= min(b.Each, (b.All-others+1)/2)
}

// takeLocked adds the amount to the tenant's part. Locked: mu is held.
func (p *Pool) takeLocked(t *poolTenant, amount int64) {
	t.held += amount
	p.used += amount
}

// returnLocked subtracts the amount from the tenant's part, and then serves waiting calls. Locked:
// mu is held.
func (p *Pool) returnLocked(name string, t *poolTenant, amount int64) {
	t.held -= amount
	p.used -= amount
	p.serveLocked()
	p.forgetIdleLocked(name, t)
}

// serveLocked gives the free amount to waiting calls: to one call of each tenant in turn, and to
// the calls of one tenant in the order of their arrival. Locked: mu is held.
func (p *Pool) serveLocked() {
	if len(p.ring) == 0 {
		return
	}
	b := p.bounds()
	for misses := 0; misses < len(p.ring); {
		t := p.ring[0]
		p.ring = p.ring[1:]
		w := t.waiters[0]
		if !p.fitsLocked(t, w.amount, b) {
			misses++
			p.ring = append(p.ring, t)
			continue
		}
		misses = 0
		p.takeLocked(t, w.amount)
		close(w.ready)
		t.waiters = t.waiters[1:]
		p.waiting--
		if len(t.waiters) > 0 {
			p.ring = append(p.ring, t)
		}
	}
}

// removeLocked removes a call that has stopped waiting. Locked: mu is held.
func (p *Pool) removeLocked(t *poolTenant, w *poolWaiter) {
	for i, other := range t.waiters {
		if other == w {
			t.waiters = append(t.waiters[:i:i], t.waiters[i+1:]...)
			p.waiting--
			break
		}
	}
	if len(t.waiters) > 0 {
		return
	}
	for i, other := range p.ring {
		if other == t {
			p.ring = append(p.ring[:i:i], p.ring[i+1:]...)
			break
		}
	}
}

// refusalLocked returns the error that says why the tenant does not get the amount. Locked: mu is
// held.
func (p *Pool) refusalLocked(t *poolTenant, amount int64, b Bounds) error {
	if t.held+amount > b.Each {
		return fault.New(fault.RateLimited, "too much at once: the tenant may have %d %s, and has %d; come again when some are done", b.Each, p.what, t.held).
			By(fault.PartyCaller).After(time.Second)
	}
	return fault.New(fault.RateLimited, "too much at once: the host may have %d %s, and %d are taken; come again when some are done", b.All, p.what, p.used).
		By(fault.PartyCaller).After(time.Second)
}
