package memstore

import (
	"context"
	"crypto/rand"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

const shardCount = 64

// Store keeps conversations and tenants in memory. Close gives what they take back to
// the other stores of the process.
type Store struct {
	now      func() time.Time
	epoch    time.Time // leases count from here, by the monotonic clock
	origin   string    // tells this Store's fences from any other's
	lives    atomic.Uint64
	maxBytes int64
	budget   *budget
	closed   atomic.Bool
	holders  holders
	seed     maphash.Seed
	shards   [shardCount]shard
	registry *registry
}

var (
	_ storage.Storage       = (*Store)(nil)
	_ storage.Renewer       = (*Store)(nil)
	_ storage.Importer      = (*Store)(nil)
	_ storage.TenantStore   = (*Store)(nil)
	_ storage.TenantWatcher = (*Store)(nil)
)

// tenantID is one life of a tenant. An id that is used again with another
// incarnation is another tenant.
type tenantID struct{ id, incarnation string }

type shard struct {
	mu      sync.RWMutex
	tenants map[tenantID]*tenant
	purged  map[tenantID]struct{} // lives that ended; a few bytes for each
	// leftovers were deleted, and their turns are not all let go of.
	leftovers map[tenantID][]*conversation
}

// New makes an empty Store with a bound for all its tenants of its own.
func New(cfg Config) *Store { return newStore(cfg, time.Now, newBudget(defaultTotal)) }

func newStore(cfg Config, now func() time.Time, shared *budget) *Store {
	if cfg.MaxBytes <= 0 { // a library caller's; the schema lets none through
		cfg.MaxBytes = defaultTotal
	}
	s := &Store{
		now: now, epoch: now(), origin: rand.Text()[:10], maxBytes: cfg.MaxBytes, budget: shared,
		seed: maphash.MakeSeed(), registry: newRegistry(),
	}
	s.holders.byName = make(map[string]*holder)
	for i := range s.shards {
		s.shards[i].tenants = make(map[tenantID]*tenant)
		s.shards[i].purged = make(map[tenantID]struct{})
		s.shards[i].leftovers = make(map[tenantID][]*conversation)
	}
	return s
}

// Renew implements [storage.Renewer]. A lease that ran out, and that no Begin
// noticed yet, lives again.
func (s *Store) Renew(ctx context.Context, holders []string, lease time.Duration) error {
	if err := check(ctx, storage.ValidateRenewal(holders, lease)); err != nil {
		return err
	}
	s.holders.renew(holders, s.elapsed()+lease)
	return nil
}

// Close gives back what all tenants of the store take. Nothing is kept after it.
func (s *Store) Close() error {
	s.closed.Store(true)
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		tenants := slices.Collect(maps.Values(sh.tenants))
		clear(sh.tenants)
		sh.mu.Unlock()
		for _, t := range tenants {
			t.mu.Lock()
			t.gone = true
			t.account.close()
			t.mu.Unlock()
		}
	}
	return nil
}

// elapsed is the time by which leases are measured.
func (s *Store) elapsed() time.Duration { return s.now().Sub(s.epoch) }

// stamp is the time of day that turns are marked with.
func (s *Store) stamp() time.Time { return s.now().Round(0).UTC() }

func (s *Store) shard(id tenantID) *shard {
	return &s.shards[maphash.Comparable(s.seed, id)%shardCount]
}

// lookup finds the call's tenant; nil when it has nothing.
func (s *Store) lookup(call sdk.Call) *tenant {
	id := tenantID{call.Tenant, call.Incarnation}
	sh := s.shard(id)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.tenants[id]
}

// enter finds or makes the call's tenant and returns it locked.
func (s *Store) enter(call sdk.Call) (*tenant, error) {
	id := tenantID{call.Tenant, call.Incarnation}
	sh := s.shard(id)
	for {
		t := s.lookup(call)
		if t == nil {
			var err error
			if t, err = sh.create(id, s); err != nil {
				return nil, err
			}
		}
		t.mu.Lock()
		if !t.gone {
			return t, nil
		}
		t.mu.Unlock() // deleted since it was found
	}
}

func (sh *shard) create(id tenantID, s *Store) (*tenant, error) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if t := sh.tenants[id]; t != nil {
		return t, nil
	}
	if _, purged := sh.purged[id]; purged {
		return nil, fault.New(fault.Conflict, "this life of the tenant was deleted")
	}
	if s.closed.Load() {
		return nil, fault.New(fault.Internal, "the store is closed")
	}
	t := newTenant()
	t.account = &account{budget: s.budget, tenant: id.id}
	sh.tenants[id] = t
	return t, nil
}

// purge unlinks the call's tenant. A life that has a name is over for good; an
// unnamed one may begin anew.
func (s *Store) purge(call sdk.Call) []*conversation {
	id := tenantID{call.Tenant, call.Incarnation}
	sh := s.shard(id)
	sh.mu.Lock()
	t := sh.tenants[id]
	delete(sh.tenants, id)
	if id.incarnation != "" {
		sh.purged[id] = struct{}{}
	}
	sh.mu.Unlock()
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gone = true
	t.account.close()
	return slices.Collect(maps.Values(t.conversations))
}
