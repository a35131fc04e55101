package memstore

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagekit"
	"github.com/botyard/botyard/sdk/storagekit/memdb"
)

// Store keeps conversations and registered tenants in memory. Close returns the bytes of the Store
// to the budget of the process. A Store is safe for concurrent use.
type Store struct {
	*storagekit.Store
	db         *memdb.DB
	now        func() time.Time
	maxBytes   int64
	budget     *budget
	registered *tenantStore
}

var (
	_ storage.Storage       = (*Store)(nil)
	_ storage.Renewer       = (*Store)(nil)
	_ storage.Importer      = (*Store)(nil)
	_ storage.Brancher      = (*Store)(nil)
	_ storage.CursorStore   = (*Store)(nil)
	_ storage.TenantStore   = (*Store)(nil)
	_ storage.TenantWatcher = (*Store)(nil)
	_ sdk.Checker           = (*Store)(nil)
)

// New returns an empty Store with its own budget of one gibibyte.
func New(cfg Config) *Store { return newStore(cfg, time.Now, newBudget(defaultTotal)) }

func newStore(cfg Config, now func() time.Time, shared *budget) *Store {
	// Only a Go caller can pass a MaxBytes below 1, because the schema of the configuration refuses
	// it.
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = defaultTotal
	}
	s := &Store{now: now, maxBytes: cfg.MaxBytes, budget: shared, registered: newTenantStore()}
	s.db = memdb.New(memdb.Options{Now: now, Changed: func(tenant string, bytes int64) {
		if tenant != storagekit.Shared {
			shared.change(tenant, bytes)
		}
	}})
	s.Store = storagekit.New(s.db, storagekit.Options{Admit: s.admit})
	return s
}

// Close drops all conversations and returns their bytes to the budget. It always returns nil.
func (s *Store) Close() error { return s.db.Close() }

// admit returns fault.QuotaExhausted if the tenant may not take n more bytes.
func (s *Store) admit(tenant string, n int64) error {
	if s.db.Size(tenant) >= s.maxBytes {
		return fault.New(fault.QuotaExhausted, "the tenant's conversations take up the %d bytes that max_bytes allows", s.maxBytes)
	}
	if !s.budget.admits(tenant, n) {
		return fault.New(fault.QuotaExhausted,
			"the memory for conversations is nearly used up: one tenant gets more only while eight times as much is free as it has, and all tenants together have %d bytes; the variable %s of the host sets more",
			s.budget.total, TotalVariable).By(fault.PartyHost)
	}
	return nil
}

// Check implements sdk.Checker. A Store in memory can always work.
func (s *Store) Check(context.Context) error { return nil }

// stamp returns the current time of day in UTC, which versions of registered tenants record.
func (s *Store) stamp() time.Time { return s.now().Round(0).UTC() }

// check returns the context's error, or else the validation error of the request. Every call of the
// tenant store starts with check, so that a canceled call changes nothing.
func check(ctx context.Context, wrong error) error {
	if err := ctx.Err(); err != nil {
		return fault.Of(err)
	}
	return wrong
}
