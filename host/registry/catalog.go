package registry

import (
	"context"
	"encoding/json"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/storage"
)

// catalog keeps the tenants that are registered over the API, and of every tenant what has
// to outlive the host: own settings and incarnations. Tenants of files themselves are in the
// tenantTable, which both implementations share.
//
// New decides which implementation a Registry has, by Options.Store. Nothing else asks for it.
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

// freshness is how what is in the tenantTable follows what is kept elsewhere.
type freshness interface {
	// ensureFresh returns when the table has of the id what was kept a second ago, or later.
	ensureFresh(ctx context.Context, id string) error
	// absenceLocked returns why an id is not in the table. Locked: mu is held.
	absenceLocked(id string) error
	// changed has the tenants of those changes read again before they are used; nil is all.
	changed(changes []storage.TenantChange)
	// rejudgeLocked has invalid tenants judged again before they are used, if the catalog
	// can read them again by itself. Locked: mu is held.
	rejudgeLocked()
	// unloadLocked takes tenants out of the table that nobody asked for lately, if they can be
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
	// idTaken returns why a file may not have the id; nil if it may, or if that is not known.
	idTaken(ctx context.Context, id string) error
}

// histories are the versions of tenants.
type histories interface {
	history(ctx context.Context, id string, before int64, limit int) (versions []Version, more bool, err error)
	countVersions(ctx context.Context, id string) (int64, error)
	restore(ctx context.Context, id string) (Tenant, error)
}

// incarnations are what tenants' ids stand for between two erasures.
type incarnations interface {
	tracksIncarnations() bool
	// noteStorage returns the incarnation that turns of t are written under, once it is noted
	// that they are written to the storage of effective.
	noteStorage(ctx context.Context, t *tenant, effective *config.Effective) (incarnation string, err error)
	newIncarnation(ctx context.Context, id string) (*Snapshot, error)
	forgetFormer(ctx context.Context, id string, erased []string, note string) error
}

// purges are the steps by which a tenant goes for good.
type purges interface {
	beginPurge(ctx context.Context, id string, begun json.RawMessage) (*Snapshot, error)
	keepReceipt(ctx context.Context, id string, receipt json.RawMessage) error
	finishPurge(ctx context.Context, id string, receipt json.RawMessage, note string) (json.RawMessage, error)
}

// snapshots are views of all that a tenant has.
type snapshots interface {
	snapshot(ctx context.Context, id string) (*Snapshot, error)
	// forEachRegistered is ForEachTenant for the tenants that are not in done.
	forEachRegistered(ctx context.Context, done []string, o ForEachOptions, do func(*Snapshot) error) error
}

// reloads are what a reload of the host's files asks of a catalog.
type reloads interface {
	// keptInTable reports whether all that is kept of a tenant is in the table.
	keptInTable(t *tenant) bool
	// forEachEntry calls do with every registration that is kept outside of the table.
	forEachEntry(ctx context.Context, do func(*tenantstore.Entry) error) error
	// entry returns the registration that is kept outside of the table; nil for none.
	entry(ctx context.Context, id string) (*tenantstore.Entry, error)
	// rereadLocked has all that is read from outside of the table judged again before it is
	// used. Locked: mu is held.
	rereadLocked()
}
