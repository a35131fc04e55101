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

// Store keeps conversations and registered tenants in memory. Close returns the bytes of the Store
// to the budget of the process. A Store is safe for concurrent use.
type Store struct {
	now          func() time.Time
	epoch        time.Time // ends of leases are durations since epoch, by the monotonic clock
	storeID      string    // part of every fence and incarnation of this Store
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

// tenantID names one incarnation of a tenant. Two incarnations of one id share no data.
type tenantID struct{ id, incarnation string }

type shard struct {
	mu      sync.RWMutex
	tenants map[tenantID]*tenant
	// purged has the incarnations that were deleted. An entry takes a few bytes and is never
	// removed.
	purged map[tenantID]struct{}
	// unswept has the unlinked conversations that still have turns.
	unswept map[tenantID][]*conversation
}

// New returns an empty Store with its own budget of one gibibyte.
func New(cfg Config) *Store { return newStore(cfg, time.Now, newBudget(defaultTotal)) }

func newStore(cfg Config, now func() time.Time, shared *budget) *Store {
	// Only a Go caller can pass a MaxBytes below 1, because the schema of the configuration refuses
	// it.
	if cfg.MaxBytes <= 0 {
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

// Renew implements [storage.Renewer]. It also revives a lease that has expired, if no Begin has
// interrupted the turn yet.
func (s *Store) Renew(ctx context.Context, holders []string, lease time.Duration) error {
	if err := check(ctx, storage.ValidateRenewal(holders, lease)); err != nil {
		return err
	}
	s.holders.renew(holders, s.elapsed()+lease)
	return nil
}

// Close drops all conversations and returns their bytes to the budget. It always returns nil.
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

// elapsed returns the time since epoch by the monotonic clock. Leases and idempotency keys expire
// by this time.
func (s *Store) elapsed() time.Duration { return s.now().Sub(s.epoch) }

// stamp returns the current time of day in UTC, which turns record.
func (s *Store) stamp() time.Time { return s.now().Round(0).UTC() }

// shard returns the shard that has the tenant.
func (s *Store) shard(id tenantID) *shard {
	return &s.shards[maphash.Comparable(s.seed, id)%shardCount]
}

// lookup returns the tenant of the call, or nil when the Store has no conversations of the tenant.
func (s *Store) lookup(call sdk.Call) *tenant {
	id := tenantID{call.Tenant, call.Incarnation}
	sh := s.shard(id)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.tenants[id]
}

// lockTenant returns the tenant of the call with its mutex locked. It creates the tenant if
// necessary. The caller unlocks the mutex.
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
		t.mu.Unlock() // another call has deleted t between lookup and Lock
	}
}

// create adds the tenant to the shard and returns it. If the shard already has the tenant, create
// returns the existing tenant. create returns fault.Conflict for an incarnation that was deleted.
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

// purge unlinks the tenant of the call and returns the tenant's conversations. If the call names an
// incarnation, later calls of that incarnation get fault.Conflict. If the call names no
// incarnation, the tenant may begin again.
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
