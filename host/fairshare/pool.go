package fairshare

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Bounds are the bounds of a [Pool].
type Bounds struct {
	// Each is the most that one tenant may have, and All the most for all tenants together.
	Each, All int64
	// WaitingEach and WaitingAll are how many calls of Acquire may wait. With 0 nobody waits.
	WaitingEach, WaitingAll int
	// Wait is how long a call waits at most.
	Wait time.Duration
}

// Pool is a bounded amount that tenants share: places for requests, or bytes. A tenant may
// have at most its own bound, and at most half of what the other tenants leave. So a tenant
// that comes late gets something, however many others took all that they could get.
type Pool struct {
	what   string // for errors
	bounds func() Bounds

	mu      sync.Mutex
	used    int64                  // what all tenants have together
	tenants map[string]*poolTenant // tenants that have something or wait
	ring    []*poolTenant          // tenants that wait; the next one to be served is first
	waiting int                    // calls of all tenants that wait
}

// poolTenant is a tenant that has a part of a pool or waits for one.
type poolTenant struct {
	held    int64
	waiters []*poolWaiter // in the order in which they came
}

// poolWaiter is a call of Acquire that waits.
type poolWaiter struct {
	amount int64
	ready  chan struct{} // closed, while mu is held, when the amount is taken for it
}

// NewPool returns a pool. In errors, what names the things that are bounded, such as "reads
// at work". The pool calls bounds whenever it needs them, since settings may change. A bound
// that shrinks takes nothing away from tenants that already have more.
func NewPool(what string, bounds func() Bounds) *Pool {
	return &Pool{what: what, bounds: bounds, tenants: map[string]*poolTenant{}}
}

// Held returns what all tenants have together.
func (p *Pool) Held() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.used
}

// Waiting returns how many calls wait.
func (p *Pool) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting
}

// Acquire returns a share of the amount for the tenant. It waits as long as the bounds allow.
// The caller releases the share. The error is fault.RateLimited with RetryAfter, or ctx's
// cause if ctx ends.
func (p *Pool) Acquire(ctx context.Context, name string, amount int64) (*Share, error) {
	b := p.bounds()
	p.mu.Lock()
	t := p.tenantLocked(name)
	if len(t.waiters) == 0 && p.fitsLocked(t, amount, b) {
		p.takeLocked(t, amount)
		p.forgetIdleLocked(name, t) // the amount may be 0
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
	case <-w.ready: // it got the amount just when it gave up
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
		p.serveLocked() // the tenant's next call may want less, and fit
	}
	return nil, err
}

// Check returns nil if Acquire would return a share now without waiting, or else why it would
// not. It takes nothing.
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

// tenantLocked returns the tenant's entry, and makes it if there is none. Locked: mu is held.
func (p *Pool) tenantLocked(name string) *poolTenant {
	t := p.tenants[name]
	if t == nil {
		t = &poolTenant{}
		p.tenants[name] = t
	}
	return t
}

// forgetIdleLocked forgets a tenant that has nothing and does not wait. Locked: mu is held.
func (p *Pool) forgetIdleLocked(name string, t *poolTenant) {
	if t.held == 0 && len(t.waiters) == 0 {
		delete(p.tenants, name)
	}
}

// fitsLocked reports whether the tenant may have so much more. Locked: mu is held.
func (p *Pool) fitsLocked(t *poolTenant, amount int64, b Bounds) bool {
	// Half of what the others leave; a tenant that is alone may have half of all.
	others := p.used - t.held
	return t.held+amount <= min(b.Each, (b.All-others+1)/2)
}

// takeLocked counts an amount in. Locked: mu is held.
func (p *Pool) takeLocked(t *poolTenant, amount int64) {
	t.held += amount
	p.used += amount
}

// returnLocked counts an amount out, and serves those who wait. Locked: mu is held.
func (p *Pool) returnLocked(name string, t *poolTenant, amount int64) {
	t.held -= amount
	p.used -= amount
	p.serveLocked()
	p.forgetIdleLocked(name, t)
}

// serveLocked gives what is free to those who wait: to one of each tenant in turn, and within
// a tenant in the order in which they came. Locked: mu is held.
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

// removeLocked removes a call that does not wait any more. Locked: mu is held.
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

// refusalLocked returns why the tenant does not get the amount. Locked: mu is held.
func (p *Pool) refusalLocked(t *poolTenant, amount int64, b Bounds) error {
	if t.held+amount > b.Each {
		return fault.New(fault.RateLimited, "too much at once: the tenant may have %d %s, and has %d; come again when some are done", b.Each, p.what, t.held).
			By(fault.PartyCaller).After(time.Second)
	}
	return fault.New(fault.RateLimited, "too much at once: the host may have %d %s, and %d are taken; come again when some are done", b.All, p.what, p.used).
		By(fault.PartyCaller).After(time.Second)
}
