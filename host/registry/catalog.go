package registry

import (
	"context"
	"encoding/json"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/storage"
)

// catalog stores the tenants that are registered over the API. It also stores the own settings
// and the incarnations of all tenants, also of tenants of files, because these must outlive the
// process of the host. The operator's settings of tenants of files are in the tenantTable,
// which both implementations of catalog share.
//
// New chooses the implementation by Options.Store. All other code works with both.
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

// freshness has the methods that keep the tenantTable up to date with the tenant store.
type freshness interface {
	// ensureFresh returns nil when the tenantTable's data of the tenant are at most a second
	// older than the data in the tenant store.
	ensureFresh(ctx context.Context, id string) error
	// absenceLocked returns an error that says why an id is not in the tenantTable. Locked: mu
	// is held.
	absenceLocked(id string) error
	// changed marks the tenants of the changes, so that they are read again before they are
	// used. If changes is nil, it marks all tenants.
	changed(changes []storage.TenantChange)
	// rejudgeLocked marks invalid tenants, so that they are checked again before they are used.
	// It leaves out the tenants that the catalog cannot read again. Locked: mu is held.
	rejudgeLocked()
	// unloadLocked removes tenants from the tenantTable that were not used lately and that the
	// catalog can read again. Locked: mu is held.
	unloadLocked(now time.Time)
}

// registrations has the methods that change registered tenants and own settings.
type registrations interface {
	putRegistered(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, error)
	// putOwn stores a tenant's own settings. A nil document removes them.
	putOwn(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, error)
	remove(ctx context.Context, id, ifMatch string) error
	list(ctx context.Context, after string, limit int) (page []Tenant, more bool, err error)
	// idTaken returns an error if a tenant file must not use the id. It returns nil if a file
	// may use the id, and if the tenant store does not answer.
	idTaken(ctx context.Context, id string) error
}

// histories has the methods for versions of tenants.
type histories interface {
	history(ctx context.Context, id string, before int64, limit int) (versions []Version, more bool, err error)
	countVersions(ctx context.Context, id string) (int64, error)
	restore(ctx context.Context, id string) (Tenant, error)
}

// incarnations has the methods for the incarnations of tenants. See tenantstore.Incarnation.
type incarnations interface {
	tracksIncarnations() bool
	// noteStorage records that turns of t are written to the storage of effective. Then it
	// returns the incarnation under which the turns are written.
	noteStorage(ctx context.Context, t *tenant, effective *config.Effective) (incarnation string, err error)
	newIncarnation(ctx context.Context, id string) (*Snapshot, error)
	forgetFormer(ctx context.Context, id string, erased []string, note string) error
}

// purges has the steps that delete a tenant for good.
type purges interface {
	beginPurge(ctx context.Context, id string, begun json.RawMessage) (*Snapshot, error)
	keepReceipt(ctx context.Context, id string, receipt json.RawMessage) error
	finishPurge(ctx context.Context, id string, receipt json.RawMessage, note string) (json.RawMessage, error)
}

// snapshots has the methods that return views of all that a tenant has.
type snapshots interface {
	snapshot(ctx context.Context, id string) (*Snapshot, error)
	// forEachRegistered calls do for the tenants of the tenant store whose ids are not in done,
	// as ForEachTenant describes. done is sorted.
	forEachRegistered(ctx context.Context, done []string, o ForEachOptions, do func(*Snapshot) error) error
}

// reloads has the methods that Registry.Reload calls.
type reloads interface {
	// keptInTable reports whether the operator's document of the tenant is only in the
	// tenantTable, and not in a tenant store.
	keptInTable(t *tenant) bool
	// forEachEntry calls do with every registration in the tenant store.
	forEachEntry(ctx context.Context, do func(*tenantstore.Entry) error) error
	// entry returns the tenant's registration in the tenant store. It returns nil if there is
	// none.
	entry(ctx context.Context, id string) (*tenantstore.Entry, error)
	// rereadLocked marks the tenants that are in the tenant store, so that they are read and
	// checked again before they are used. Locked: mu is held.
	rereadLocked()
}
