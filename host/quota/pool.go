package quota

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Bounds are those of a [Pool].
type Bounds struct {
	// Each is what one tenant may hold, and All what all may hold together.
	Each, All int64
	// WaitingEach and WaitingAll bound how many may wait. With 0 nobody waits.
	WaitingEach, WaitingAll int
	// Wait is how long one waits.
	Wait time.Duration
}

// Pool is a bounded amount that tenants share. It is used concurrently.
type Pool struct {
	what   string
	bounds func() Bounds

	mu      sync.Mutex
	used    int64
	tenants map[string]*tenant // that hold something or wait
	ring    []*tenant          // that wait, in the order in which they are served next
	waiting int
}

// tenant is what one of them has in a pool.
type tenant struct {
	held    int64
	waiters []*waiter // in the order in which they came
}

type waiter struct {
	amount int64
	ready  chan struct{} // closed when the amount is taken
}

// NewPool makes a pool. What names in errors that of which there is too much: "reads at
// work". The bounds are asked for each time, since settings may change; one that shrinks
// takes nothing back.
func NewPool(what string, bounds func() Bounds) *Pool {
	return &Pool{what: what, bounds: bounds, tenants: map[string]*tenant{}}
}

// Held is what all hold together.
func (p *Pool) Held() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.used
}

// Waiting is how many wait.
func (p *Pool) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting
}

// Take takes an amount for a tenant, and waits for it as long as the bounds let it. The
// caller releases the share. The error is fault.RateLimited, with the time to come again,
// or why ctx ended.
func (p *Pool) Take(ctx context.Context, name string, amount int64) (*Share, error) {
	b := p.bounds()
	p.mu.Lock()
	t := p.tenantLocked(name)
	if len(t.waiters) == 0 && p.fitsLocked(t, amount, b) {
		p.takeLocked(t, amount)
		p.tidyLocked(name, t) // of nothing
		p.mu.Unlock()
		return &Share{pool: p, name: name, amount: amount}, nil
	}
	if len(t.waiters) >= b.WaitingEach || p.waiting >= b.WaitingAll || amount > min(b.Each, (b.All+1)/2) {
		err := p.refusalLocked(t, amount, b)
		p.tidyLocked(name, t)
		p.mu.Unlock()
		return nil, err
	}
	w := &waiter{amount: amount, ready: make(chan struct{})}
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
	case <-w.ready: // at the same moment
		if err == nil {
			return &Share{pool: p, name: name, amount: amount}, nil
		}
		p.giveLocked(name, t, amount)
	default:
		p.removeLocked(t, w)
		if err == nil {
			err = p.refusalLocked(t, amount, b)
		}
		p.tidyLocked(name, t)
		p.serveLocked() // those behind it may want less
	}
	return nil, err
}

// CouldTake says why an amount could not be taken now; nil if it could.
func (p *Pool) CouldTake(name string, amount int64) error {
	b := p.bounds()
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tenantLocked(name)
	defer p.tidyLocked(name, t)
	if p.fitsLocked(t, amount, b) {
		return nil
	}
	return p.refusalLocked(t, amount, b)
}

func (p *Pool) tenantLocked(name string) *tenant {
	t := p.tenants[name]
	if t == nil {
		t = &tenant{}
		p.tenants[name] = t
	}
	return t
}

// tidyLocked forgets a tenant that has nothing here.
func (p *Pool) tidyLocked(name string, t *tenant) {
	if t.held == 0 && len(t.waiters) == 0 {
		delete(p.tenants, name)
	}
}

func (p *Pool) fitsLocked(t *tenant, amount int64, b Bounds) bool {
	// Half of what the others leave: half of all, if it is alone.
	others := p.used - t.held
	return t.held+amount <= min(b.Each, (b.All-others+1)/2)
}

func (p *Pool) takeLocked(t *tenant, amount int64) {
	t.held += amount
	p.used += amount
}

func (p *Pool) giveLocked(name string, t *tenant, amount int64) {
	t.held -= amount
	p.used -= amount
	p.serveLocked()
	p.tidyLocked(name, t)
}

// serveLocked gives to those who wait: a tenant after the other, and of each in the order
// in which they came.
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

func (p *Pool) removeLocked(t *tenant, w *waiter) {
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

// refusalLocked says why there is no such amount.
func (p *Pool) refusalLocked(t *tenant, amount int64, b Bounds) error {
	if t.held+amount > b.Each {
		return fault.New(fault.RateLimited, "too much at once: the tenant may have %d %s, and has %d; come again when some are done", b.Each, p.what, t.held).
			By(fault.PartyCaller).After(time.Second)
	}
	return fault.New(fault.RateLimited, "too much at once: the host may have %d %s, and %d are taken; come again when some are done", b.All, p.what, p.used).
		By(fault.PartyCaller).After(time.Second)
}

// Share is what one request holds of a pool. It belongs to one goroutine at a time.
type Share struct {
	pool   *Pool
	name   string
	amount int64
}

// Amount is how much it is; 0 for a nil share.
func (s *Share) Amount() int64 {
	if s == nil {
		return 0
	}
	return s.amount
}

// Grow takes more, at once or not at all. The error is fault.RateLimited.
func (s *Share) Grow(more int64) error {
	b := s.pool.bounds()
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	t := s.pool.tenantLocked(s.name)
	defer s.pool.tidyLocked(s.name, t)
	if !s.pool.fitsLocked(t, more, b) {
		return s.pool.refusalLocked(t, more, b)
	}
	s.pool.takeLocked(t, more)
	s.amount += more
	return nil
}

// Shrink gives back all but the amount. More than it has changes nothing.
func (s *Share) Shrink(to int64) {
	if s == nil || to >= s.amount {
		return
	}
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.pool.giveLocked(s.name, s.pool.tenantLocked(s.name), s.amount-to)
	s.amount = to
}

// Release gives all of it back. To do so again does nothing, nor does it for nil.
func (s *Share) Release() { s.Shrink(0) }
