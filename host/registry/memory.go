package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// memoryCatalog stores registered tenants in the tenantTable only, so that they are lost when
// the host stops. It stores no versions, its incarnations have no ids, and other hosts do not
// share it. It is guarded by tenantTable.mu.
type memoryCatalog struct {
	*tenantTable
	purging map[string]*Snapshot // removed tenants whose purge is not finished, by tenant id
}

func newMemoryCatalog(t *tenantTable) *memoryCatalog {
	return &memoryCatalog{tenantTable: t, purging: map[string]*Snapshot{}}
}

// memoryCatalog implements the interfaces freshness and reloads by methods that do nothing,
// because all tenants are in the tenantTable, and no other host changes them.

func (c *memoryCatalog) ensureFresh(context.Context, string) error { return nil }
func (c *memoryCatalog) absenceLocked(id string) error             { return unknown(id) }
func (c *memoryCatalog) changed([]storage.TenantChange)            {}
func (c *memoryCatalog) rejudgeLocked()                            {}
func (c *memoryCatalog) unloadLocked(time.Time)                    {}
func (c *memoryCatalog) keptInTable(*tenant) bool                  { return true }
func (c *memoryCatalog) rereadLocked()                             {}

func (c *memoryCatalog) forEachEntry(context.Context, func(*tenantstore.Entry) error) error {
	return nil
}

func (c *memoryCatalog) entry(context.Context, string) (*tenantstore.Entry, error) { return nil, nil }

// putRegistered implements registrations.putRegistered.
func (c *memoryCatalog) putRegistered(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, error) {
	return c.putInTable(ctx, id, doc, o)
}

// putOwn implements registrations.putOwn.
func (c *memoryCatalog) putOwn(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, error) {
	return repeatPut(ctx, id, func() (Tenant, error) { return c.tryPutOwn(ctx, id, doc, o) })
}

// tryPutOwn checks a change of own settings and applies it. Its error is an otherBaseError if
// the caller must call tryPutOwn again.
func (c *memoryCatalog) tryPutOwn(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, error) {
	under := c.base()
	c.mu.Lock()
	t, ok := c.tenants[id]
	if !ok {
		c.mu.Unlock()
		return Tenant{}, unknown(id)
	}
	before := *t
	failure := c.bots.FailureLocked(id)
	c.mu.Unlock()
	if before.doc == nil {
		return Tenant{}, neverValid(id)
	}
	if err := c.mayChangeOwn(&before, o); err != nil {
		return Tenant{}, err
	}
	change, err := c.judgeOwn(ctx, &before, doc, o)
	if err != nil {
		return Tenant{}, err
	}
	if o.DryRun {
		out := before.with(change).describe()
		out.Unavailable = failure
		return c.tagged(out, change.docs), nil
	}
	out, err := c.takeOwn(t, before, change, under)
	return c.tagged(out, change.docs), err
}

// takeOwn applies the change that tryPutOwn has checked. before is the tenant as it was at the
// check.
func (c *memoryCatalog) takeOwn(t *tenant, before tenant, change accepted, under base) (Tenant, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.writes.beginWriteLocked(t.id, under.number); err != nil {
		return Tenant{}, err
	}
	defer c.writes.endWriteLocked(t.id)
	if c.tenants[t.id] != t || t.doc != before.doc || t.own != before.own {
		return Tenant{}, &otherBaseError{} // the tenant's documents changed after the check
	}
	t.own, t.updated = change.docs.Own, c.o.now()
	c.serveLocked(t, change.verdict)
	out := c.describeLocked(t)
	out.Created = before.own == nil && t.own != nil
	return out, nil
}

// remove implements registrations.remove.
func (c *memoryCatalog) remove(_ context.Context, id, ifMatch string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.tenants[id]
	if !ok {
		return unknown(id)
	}
	if err := c.mayReplace(t, id, PutOptions{Source: SourceAPI, IfMatch: ifMatch}); err != nil {
		return err
	}
	c.deleteLocked(t)
	return nil
}

// list implements registrations.list.
func (c *memoryCatalog) list(_ context.Context, after string, limit int) ([]Tenant, bool, error) {
	all := c.listed(after, c.keptInTable)
	return all[:min(limit, len(all))], len(all) > limit, nil
}

// idTaken implements registrations.idTaken.
func (c *memoryCatalog) idTaken(_ context.Context, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.tenants[id]; t != nil && !t.fromFile() {
		return takenByAPI()
	}
	return nil
}

// takenByAPI returns the error for a tenant file whose id belongs to a registered tenant.
func takenByAPI() error { return fmt.Errorf("the id is taken by %s, which goes on", SourceAPI) }

// noHistory returns the error for requests that need versions of tenants.
func noHistory() error {
	return fault.New(fault.Invalid, "this host keeps its tenants in memory only, without a history: name a storage for them in the host file").At("registry", "storage")
}

func (c *memoryCatalog) history(context.Context, string, int64, int) ([]Version, bool, error) {
	return nil, false, noHistory()
}

func (c *memoryCatalog) restore(context.Context, string) (Tenant, error) {
	return Tenant{}, noHistory()
}

func (c *memoryCatalog) countVersions(context.Context, string) (int64, error) { return 0, nil }

// In memoryCatalog incarnations have no ids, and an erase does not begin a new incarnation.

func (c *memoryCatalog) tracksIncarnations() bool { return false }

func (c *memoryCatalog) noteStorage(context.Context, *tenant, *config.Effective) (string, error) {
	return "", nil
}

func (c *memoryCatalog) newIncarnation(ctx context.Context, id string) (*Snapshot, error) {
	s, err := c.snapshot(ctx, id)
	if err != nil {
		return nil, err
	}
	ended := *s
	ended.Former = []tenantstore.Incarnation{s.Incarnation}
	return &ended, nil
}

func (c *memoryCatalog) forgetFormer(context.Context, string, []string, string) error { return nil }

// beginPurge implements purges.beginPurge.
func (c *memoryCatalog) beginPurge(_ context.Context, id string, begun json.RawMessage) (*Snapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.snapshotLocked(id)
	if s == nil {
		return nil, unknown(id)
	}
	if t := c.tenants[id]; t != nil && !t.fromFile() {
		c.deleteLocked(t)
	}
	gone := *s
	gone.State = storage.TenantRemoved
	if gone.Receipt == nil {
		gone.Receipt = begun
	}
	c.purging[id] = &gone
	return &gone, nil
}

// keepReceipt implements purges.keepReceipt.
func (c *memoryCatalog) keepReceipt(_ context.Context, id string, receipt json.RawMessage) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.purging[id]; s != nil {
		next := *s
		next.Receipt = receipt
		c.purging[id] = &next
	}
	return nil
}

// finishPurge implements purges.finishPurge.
func (c *memoryCatalog) finishPurge(_ context.Context, id string, receipt json.RawMessage, _ string) (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.purging, id)
	return receipt, nil
}

// snapshot implements snapshots.snapshot.
func (c *memoryCatalog) snapshot(_ context.Context, id string) (*Snapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.snapshotLocked(id); s != nil {
		return s, nil
	}
	return nil, unknown(id)
}

// snapshotLocked returns the snapshot of a tenant that is in the tenantTable, or whose purge is
// not finished. It returns nil for any other id. Locked: mu is held.
func (c *memoryCatalog) snapshotLocked(id string) *Snapshot {
	if t := c.tenants[id]; t != nil {
		return c.snapshotOf(t)
	}
	return c.purging[id]
}

func (c *memoryCatalog) forEachRegistered(context.Context, []string, ForEachOptions, func(*Snapshot) error) error {
	return nil
}
