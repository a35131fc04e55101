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

// persistedCatalog stores registered tenants, own settings and incarnations in a tenant store,
// which other hosts may change too. The tenantTable has copies of recently used tenants.
//
// The rule of freshness: a turn of a registered tenant begins with settings that are at most a
// second older than the settings in the tenant store. Whether the copy in the tenantTable can be
// used depends on two conditions. The tenant is known if tenant.known is true. The store is
// fresh if it has reported all changes that are more than a second old:
//
//	id                                    store is fresh    store is not fresh
//	registered, known                     used              the store is polled first
//	registered, not known                 read first        polled, then read
//	of a file, known                      used              used
//	of a file, not known                  read first        polled, then read
//	not in the table, in absent           no such tenant    polled first
//	not in the table, not in absent       read first        polled, then read
//
// The operator's document of a file's tenant is never read from the store, but the tenant's own
// settings and its incarnation are. A known tenant of a file is used even if the store is not
// fresh, so that the tenant is served while the store does not answer.
//
// A tenant becomes known when this host reads it or stores it, unless the store has reported a
// newer version (tenant.heard). A tenant stops being known when the store reports a newer
// version, when a reload brings another base, or when Rejudge is called and the tenant is
// invalid. All tenants stop being known when the store's history is shorter than before,
// because the database was replaced or restored from a backup.
type persistedCatalog struct {
	*tenantTable
	store  *tenantstore.Store
	loads  map[string]*load              // running loads, by tenant id; guarded by mu
	absent *simplelru.LRU[string, error] // ids without a tenant in the store, with the reason; guarded by mu

	ctx  context.Context // ends when the Registry is closed
	work *sync.WaitGroup // the Registry's WaitGroup, which counts the loads
}

func newPersistedCatalog(ctx context.Context, t *tenantTable, store *tenantstore.Store, work *sync.WaitGroup) (*persistedCatalog, error) {
	absent, err := simplelru.NewLRU[string, error](bounds.MaxUnknownIDs, nil)
	if err != nil {
		return nil, err
	}
	return &persistedCatalog{tenantTable: t, store: store, loads: map[string]*load{}, absent: absent, ctx: ctx, work: work}, nil
}

// keptInTable implements reloads.keptInTable.
func (c *persistedCatalog) keptInTable(t *tenant) bool { return t.fromFile() }

// entry implements reloads.entry.
func (c *persistedCatalog) entry(ctx context.Context, id string) (*tenantstore.Entry, error) {
	e, err := c.store.Get(ctx, id)
	if err != nil {
		return nil, unreachable(err)
	}
	return e, nil
}

// forEachEntry implements reloads.forEachEntry.
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

// contested is how many times a change without a condition is tried, if other changes of the
// same tenant come first.
const contested = 10

// changeOptions are the options of persistedCatalog.change.
type changeOptions struct {
	conditional  bool // if another host stored a version first, the change fails and is not repeated
	eraseHistory bool // the change erases all earlier versions of the tenant
}

// nextVersion returns the version to store after the newest version of a tenant. It returns nil
// to change nothing. newest is nil if the tenant has no version. A nextVersion may be called
// several times for one change.
type nextVersion func(newest *tenantstore.Entry) (*tenantstore.Entry, error)

// change stores the version that next returns for a tenant, and returns the stored version. If
// next returns nil, change returns the newest version. If another host stored a version
// meanwhile, change calls next again.
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
			try-- // the tenant has not changed, so this try does not count
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

// beginChange records a change in tenantTable.writes until end is called, so that a reload
// notices the change. It records only changes of what is served. Its error is an otherBaseError
// if the settings were checked under another base than the present one, or if a reload has
// frozen the tenant.
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
