package archive

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk/fault"
)

// sweep is one look for what is too old. Each storage is looked through by one goroutine at
// a time, tenant by tenant, and so many storages at once. A tenant gives its place up
// after a while and comes again after the others; a storage that does not answer is left
// for the next look. So nobody waits long for another's storage, or for another tenant.
type sweep struct {
	a *Archive

	mu      sync.Mutex
	changed sync.Cond
	of      map[string]*shelf // by the storage's digest
	queue   []*shelf          // with visits, and nobody at work; in turn
	tenants map[string]int    // how many storages of each are being looked through
	atWork  int
	listed  bool // no more visits come
	over    bool // ctx ended

	done   Retained
	failed map[string]bool // tenants
}

// shelf is a storage with the visits that wait for it.
type shelf struct {
	digest string
	visits []*visit
	atWork bool
	vain   int // visits in a row that ended since it did not answer
}

// visit is a look at what one tenant has in one storage.
type visit struct {
	tenant string
	after  string // the last conversation that was looked at
}

func newSweep(ctx context.Context, a *Archive) (s *sweep, stop func() bool) {
	s = &sweep{a: a, of: map[string]*shelf{}, tenants: map[string]int{}, failed: map[string]bool{}}
	s.changed.L = &s.mu
	return s, context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.over = true
		s.changed.Broadcast()
	})
}

// add has all storages of the tenant visited.
func (s *sweep) add(e *registry.Estate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done.Tenants++
	for _, b := range e.Life.Storages {
		at := s.of[b.Digest]
		if at == nil {
			at = &shelf{digest: b.Digest}
			s.of[b.Digest] = at
		}
		if at.vain >= bounds.RetainInVain {
			s.failed[e.Tenant] = true
			continue
		}
		at.visits = append(at.visits, &visit{tenant: e.Tenant})
		if len(at.visits) == 1 && !at.atWork {
			s.queue = append(s.queue, at)
		}
	}
	s.changed.Broadcast()
}

// end says that no more visits come.
func (s *sweep) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed = true
	s.changed.Broadcast()
}

// next waits for a visit whose storage nobody is at, and whose tenant has not too many at
// work. It reports false when there are no more.
func (s *sweep) next() (*shelf, *visit, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if s.over || s.listed && s.atWork == 0 && len(s.queue) == 0 {
			return nil, nil, false
		}
		for i, at := range s.queue {
			v := at.visits[0]
			if s.tenants[v.tenant] >= bounds.RetainOfTenant {
				continue
			}
			s.queue = slices.Delete(s.queue, i, i+1)
			at.visits, at.atWork = at.visits[1:], true
			s.tenants[v.tenant]++
			s.atWork++
			return at, v, true
		}
		s.changed.Wait()
	}
}

// leave ends a visit: with more it comes again after the others.
func (s *sweep) leave(at *shelf, v *visit, more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.atWork--
	at.atWork = false
	if s.tenants[v.tenant]--; s.tenants[v.tenant] == 0 {
		delete(s.tenants, v.tenant)
	}
	switch {
	case s.over:
	case err == nil:
		at.vain = 0
		if more {
			at.visits = append(at.visits, v)
		}
	default:
		s.failed[v.tenant] = true
		s.a.o.Log.Warn("a tenant's old conversations could not be deleted", "tenant", v.tenant, "error", err)
		if at.vain++; !transient(err) {
			at.vain = 0
		}
		if at.vain >= bounds.RetainInVain {
			s.a.o.Log.Warn("a storage does not answer; the other tenants that have it are left for the next time", "digest", at.digest, "tenants", len(at.visits))
			for _, other := range at.visits {
				s.failed[other.tenant] = true
			}
			at.visits = nil
		}
	}
	if len(at.visits) > 0 {
		s.queue = append(s.queue, at)
	}
	s.changed.Broadcast()
}

// work makes visits until there are no more.
func (s *sweep) work(ctx context.Context) {
	for {
		at, v, ok := s.next()
		if !ok {
			return
		}
		more, err := s.visit(ctx, at.digest, v)
		s.leave(at, v, more, err)
	}
}

// visit looks through what the tenant has in the storage, for as long as one visit may
// take. What the tenant is now is looked up: it may have changed since it was listed.
func (s *sweep) visit(ctx context.Context, digest string, v *visit) (more bool, err error) {
	e, err := s.a.o.Registry.Estate(ctx, v.tenant)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) || err == nil && (e.Effective == nil || e.Effective.RetentionDays == 0) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	o := &old{a: s.a, sweep: s, estate: e, visit: v, until: time.Now().Add(s.a.o.timing.slice),
		before: s.a.o.timing.now().AddDate(0, 0, -e.Effective.RetentionDays)}
	for _, b := range e.Life.Storages {
		if b.Digest != digest {
			continue
		}
		store, err := s.a.open(ctx, v.tenant, b)
		if err != nil {
			return false, err
		}
		defer store.Close()
		if more, err = o.in(ctx, store); err != nil {
			return false, named(b, err)
		}
	}
	return more, nil
}
