package registry

import (
	"context"
	"errors"
	"sync"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// persistedCatalog keeps registered tenants, own settings and incarnations in a tenant store,
// which other hosts may change. The table has copies of what was asked for lately.
//
// The rule of freshness: a turn of a registered tenant begins by what the tenant store had at
// most a second ago. Whether an id can be used as it is in the table depends on what is known
// of it, and on whether the tenant store is fresh, that is, has told of all changes that are
// more than a second old:
//
//	id                                    store is fresh    store is not fresh
//	registered, known                     used              the store is polled first
//	registered, not known                 read first        polled, then read
//	of a file, known                      used              used
//	of a file, not known                  read first        polled, then read
//	not in the table, in absent           there is none     polled first
//	not in the table, not in absent       read first        polled, then read
//
// The operator's document of a file's tenant is never read from the store, but its own
// settings and its incarnation are. It is used though the store is not fresh, so that tenants
// of files are served while the store does not answer.
//
// A tenant becomes known when it is read, or put from here, and no newer version was told of
// (tenant.heard). It is known no more when the store tells of a newer version, when a reload
// brings another base, when the tenant is invalid and Rejudge is called, or when the history
// of the store turns out to be another one.
type persistedCatalog struct {
	*tenantTable
	store  *tenantstore.Store
	loads  map[string]*load              // at work, by tenant; guarded by mu
	absent *simplelru.LRU[string, error] // why ids that were read have no tenant; guarded by mu

	ctx  context.Context // ends with the Registry
	work *sync.WaitGroup // the Registry's, for loads
}

func newPersistedCatalog(ctx context.Context, t *tenantTable, store *tenantstore.Store, work *sync.WaitGroup) (*persistedCatalog, error) {
	absent, err := simplelru.NewLRU[string, error](bounds.MaxUnknownIDs, nil)
	if err != nil {
		return nil, err
	}
	return &persistedCatalog{tenantTable: t, store: store, loads: map[string]*load{}, absent: absent, ctx: ctx, work: work}, nil
}

// keptInTable implements reloads.
func (c *persistedCatalog) keptInTable(t *tenant) bool { return t.fromFile() }

// entry implements reloads.
func (c *persistedCatalog) entry(ctx context.Context, id string) (*tenantstore.Entry, error) {
	e, err := c.store.Get(ctx, id)
	if err != nil {
		return nil, unreachable(err)
	}
	return e, nil
}

// forEachEntry implements reloads.
func (c *persistedCatalog) forEachEntry(ctx context.Context, do func(*tenantstore.Entry) error) error {
	for after, more := "", true; more; {
		var entries []*tenantstore.Entry
		var err error
		if entries, more, err = c.store.List(ctx, after, storage.MaxPage); err != nil {
			return unreachable(err)
		}
		for _, e := range entries {
			after = e.Tenant
			if err := do(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// contested is how often a change without a condition is tried while others change the same
// tenant.
const contested = 10

// changeOptions change how change repeats and stores.
type changeOptions struct {
	conditional  bool // it is not repeated when another host was faster
	eraseHistory bool // earlier versions are erased
}

// nextVersion returns what follows the newest version of a tenant, which is nil if there is
// none. It returns nil for no change. It may be called several times.
type nextVersion func(newest *tenantstore.Entry) (*tenantstore.Entry, error)

// change stores the next version of a tenant and returns it. If next makes no change, it
// returns the newest version. When another host stored a version meanwhile, next is called
// again.
func (c *persistedCatalog) change(ctx context.Context, id string, o changeOptions, next nextVersion) (*tenantstore.Entry, error) {
	for try := 1; ; try++ {
		before, err := c.store.Get(ctx, id)
		if err != nil {
			return nil, unreachable(err)
		}
		under := c.base()
		after, err := next(before)
		if err != nil || after == nil {
			return before, err
		}
		after.Tenant = id
		end, err := c.beginChange(before, after, under)
		if other := (*otherBaseError)(nil); errors.As(err, &other) {
			if err := await(ctx, other.wait); err != nil {
				return nil, err
			}
			try-- // nobody changed the tenant
			continue
		}
		var version int64
		if before != nil {
			version = before.Version
		}
		put, err := c.store.Put(ctx, *after, tenantstore.PutOptions{IfVersion: version, EraseHistory: o.eraseHistory})
		end()
		if fault.Is(err, fault.Conflict) && !o.conditional && try < contested {
			continue
		}
		if fault.Is(err, fault.Conflict) {
			return nil, fault.New(fault.Conflict, "tenant %q was changed by somebody else meanwhile", id).At("If-Match")
		}
		if err != nil {
			return nil, unreachable(err)
		}
		return put, nil
	}
}

// beginChange begins a change until end is called, so that a reload knows of it, if the
// change is of what is served. It returns an otherBaseError if the settings were judged under
// another base than the present one.
func (c *persistedCatalog) beginChange(before, after *tenantstore.Entry, under base) (end func(), err error) {
	same := before != nil && before.State == after.State && before.Document == after.Document
	if ownOfFile(before) == ownOfFile(after) && (same && before.Own == after.Own || after.State != storage.TenantActive) {
		return func() {}, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.writes.beginWriteLocked(after.Tenant, under.number); err != nil {
		return nil, err
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.writes.endWriteLocked(after.Tenant)
	}, nil
}
