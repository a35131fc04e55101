package registry

import (
	"context"
	"encoding/json"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/storage"
)

// catalog keeps the tenants that are registered over the API. It also keeps own settings and
// incarnations, of tenants of files too, because these have to outlive the host. The operator's
// settings of tenants of files are in the tenantTable, which both implementations share.
//
// New chooses the implementation by Options.Store. No other code depends on which one it is.
type catalog interface {
	freshness
	registrations
	histories
	incarnations
	purges
	snapshots
	reloads
}

var (
	_ catalog = (*memoryCatalog)(nil)
	_ catalog = (*persistedCatalog)(nil)
)

// freshness keeps the tenantTable in step with the tenant store.
type freshness interface {
	// ensureFresh returns when the table's data of the id are at most a second older than the
	// tenant store's.
	ensureFresh(ctx context.Context, id string) error
	// absenceLocked returns an error that says why an id is not in the table. Locked: mu is held.
	absenceLocked(id string) error
	// changed marks tenants to be read again before they are used: those of the changes, or
	// all if changes is nil.
	changed(changes []storage.TenantChange)
	// rejudgeLocked marks invalid tenants to be checked again before they are used. It leaves
	// out those that the catalog cannot read again by itself. Locked: mu is held.
	rejudgeLocked()
	// unloadLocked removes tenants from the table that nobody asked for lately and that can be
	// read again. Locked: mu is held.
	unloadLocked(now time.Time)
}

// registrations are the changes of registered tenants and of own settings.
type registrations interface {
	putRegistered(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, error)
	// putOwn puts a tenant's own settings; a nil document removes them.
	putOwn(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, error)
	remove(ctx context.Context, id, ifMatch string) error
	list(ctx context.Context, after string, limit int) (page []Tenant, more bool, err error)
	// idTaken returns an error that says why a file may not have the id. It is nil if the file
	// may have it, or if that is not known.
	idTaken(ctx context.Context, id string) error
}

// histories are the versions of tenants.
type histories interface {
	history(ctx context.Context, id string, before int64, limit int) (versions []Version, more bool, err error)
	countVersions(ctx context.Context, id string) (int64, error)
	restore(ctx context.Context, id string) (Tenant, error)
}

// incarnations begin and end the incarnations of tenants; see tenantstore.Incarnation.
type incarnations interface {
	tracksIncarnations() bool
	// noteStorage notes that turns of t are written to the storage of effective. Then it
	// returns the incarnation that they are written under.
	noteStorage(ctx context.Context, t *tenant, effective *config.Effective) (incarnation string, err error)
	newIncarnation(ctx context.Context, id string) (*Snapshot, error)
	forgetFormer(ctx context.Context, id string, erased []string, note string) error
}

// purges are the steps that delete a tenant for good.
type purges interface {
	beginPurge(ctx context.Context, id string, begun json.RawMessage) (*Snapshot, error)
	keepReceipt(ctx context.Context, id string, receipt json.RawMessage) error
	finishPurge(ctx context.Context, id string, receipt json.RawMessage, note string) (json.RawMessage, error)
}

// snapshots are views of all that a tenant has.
type snapshots interface {
	snapshot(ctx context.Context, id string) (*Snapshot, error)
	// forEachRegistered does the work of ForEachTenant for the store's tenants that are not in
	// done. done is sorted.
	forEachRegistered(ctx context.Context, done []string, o ForEachOptions, do func(*Snapshot) error) error
}

// reloads are the methods that a reload of the host's files calls.
type reloads interface {
	// keptInTable reports whether the operator's document of the tenant is kept in the table
	// alone, so that it is never read from a tenant store.
	keptInTable(t *tenant) bool
	// forEachEntry calls do with every registration that is kept outside of the table.
	forEachEntry(ctx context.Context, do func(*tenantstore.Entry) error) error
	// entry returns the registration that is kept outside of the table; nil for none.
	entry(ctx context.Context, id string) (*tenantstore.Entry, error)
	// rereadLocked marks the tenants that are kept outside of the table to be read and checked
	// again before they are used. Locked: mu is held.
	rereadLocked()
}
