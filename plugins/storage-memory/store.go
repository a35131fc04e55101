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

// Store keeps conversations and registered tenants in memory. Close releases its part of the
// process's budget. It is safe for concurrent use.
type Store struct {
	now          func() time.Time
	epoch        time.Time // leases count from here, by the monotonic clock
	storeID      string    // part of every fence of this Store
	incarnations atomic.Uint64
	maxBytes     int64
	budget       *budget
	closed       atomic.Bool
	holders      holders
	seed         maphash.Seed
	shards       [shardCount]shard
	registered   *tenantStore
}

var (
	_ storage.Storage       = (*Store)(nil)
	_ storage.Renewer       = (*Store)(nil)
	_ storage.Importer      = (*Store)(nil)
	_ storage.TenantStore   = (*Store)(nil)
	_ storage.TenantWatcher = (*Store)(nil)
)

// tenantID is one incarnation of a tenant. The same id with another incarnation is another
// tenant.
type tenantID struct{ id, incarnation string }

type shard struct {
	mu      sync.RWMutex
	tenants map[tenantID]*tenant
	purged  map[tenantID]struct{} // incarnations that ended; a few bytes each
	// unswept are deleted conversations that still have turns.
	unswept map[tenantID][]*conversation
}

// New makes an empty Store with a budget of its own.
func New(cfg Config) *Store { return newStore(cfg, time.Now, newBudget(defaultTotal)) }

func newStore(cfg Config, now func() time.Time, shared *budget) *Store {
	if cfg.MaxBytes <= 0 { // only a Go caller can set this; the schema refuses it
		cfg.MaxBytes = defaultTotal
	}
	s := &Store{
		now: now, epoch: now(), storeID: rand.Text()[:10], maxBytes: cfg.MaxBytes, budget: shared,
		seed: maphash.MakeSeed(), registered: newTenantStore(),
	}
	s.holders.byName = make(map[string]*holder)
	for i := range s.shards {
		s.shards[i].tenants = make(map[tenantID]*tenant)
		s.shards[i].purged = make(map[tenantID]struct{})
		s.shards[i].unswept = make(map[tenantID][]*conversation)
	}
	return s
}

// Renew implements [storage.Renewer]. A lease that has ended, and that no Begin has noticed yet,
// is revived.
func (s *Store) Renew(ctx context.Context, holders []string, lease time.Duration) error {
	if err := check(ctx, storage.ValidateRenewal(holders, lease)); err != nil {
		return err
	}
	s.holders.renew(holders, s.elapsed()+lease)
	return nil
}

// Close drops all conversations and releases their part of the budget.
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

// elapsed returns the monotonic time that leases are measured by.
func (s *Store) elapsed() time.Duration { return s.now().Sub(s.epoch) }

// stamp returns the time of day for turns.
func (s *Store) stamp() time.Time { return s.now().Round(0).UTC() }

// shard returns the shard of a tenant.
func (s *Store) shard(id tenantID) *shard {
	return &s.shards[maphash.Comparable(s.seed, id)%shardCount]
}

// lookup returns the call's tenant, or nil when it has no conversations.
func (s *Store) lookup(call sdk.Call) *tenant {
	id := tenantID{call.Tenant, call.Incarnation}
	sh := s.shard(id)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.tenants[id]
}

// lockTenant finds or makes the call's tenant, and returns it locked. The caller unlocks it.
func (s *Store) lockTenant(call sdk.Call) (*tenant, error) {
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

// create makes the tenant unless another call has made it. A purged incarnation is refused.
func (sh *shard) create(id tenantID, s *Store) (*tenant, error) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if t := sh.tenants[id]; t != nil {
		return t, nil
	}
	if _, purged := sh.purged[id]; purged {
		return nil, fault.New(fault.Conflict, "this incarnation of the tenant was deleted")
	}
	if s.closed.Load() {
		return nil, fault.New(fault.Internal, "the store is closed")
	}
	t := newTenant()
	t.account = &account{budget: s.budget, tenant: id.id}
	sh.tenants[id] = t
	return t, nil
}

// purge unlinks the call's tenant and returns its conversations. A named incarnation is refused
// from then on. An unnamed one may begin anew.
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
