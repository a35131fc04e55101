package registry

import (
	"context"
	"crypto/rand"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// newIncarnationID returns an id for a new incarnation.
func newIncarnationID() string { return rand.Text() }

// TracksIncarnations reports whether incarnations of tenants have ids. If they have ids,
// storages refuse turns of an incarnation that has ended.
func (r *Registry) TracksIncarnations() bool { return r.catalog.tracksIncarnations() }

// tracksIncarnations implements incarnations.tracksIncarnations.
func (c *persistedCatalog) tracksIncarnations() bool { return true }

// noteStorage implements incarnations.noteStorage. Erase and purge delete the tenant's turns
// from the storages that noteStorage has recorded.
func (c *persistedCatalog) noteStorage(ctx context.Context, t *tenant, effective *config.Effective) (incarnation string, err error) {
	used := c.o.Storage(effective)
	c.mu.Lock()
	noted := t.known && (&tenantstore.Entry{Storages: t.storages}).Uses(used.Digest)
	incarnation = t.incarnation
	file := t.fromFile()
	if noted {
		c.mu.Unlock()
		return incarnation, nil
	}
	t.noting++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if t.noting--; !t.known {
			c.forgetFileBotLocked(t) // another call or another host changed the tenant meanwhile
		}
	}()
	// The tenant store is polled before the tenant is read, so that no change of another host
	// is missed.
	if err := c.store.EnsureFresh(ctx); err != nil {
		return "", unreachable(err)
	}
	next := registeredStorageNote
	if file {
		next = fileStorageNote
	}
	put, err := c.change(ctx, t.id, changeOptions{}, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		n, err := next(t.id, e, used.Digest)
		if err != nil || n == nil {
			return nil, err
		}
		if err := n.CanNote(used); err != nil {
			return nil, err
		}
		n.Storages = append(n.Storages[:len(n.Storages):len(n.Storages)], used)
		return n, nil
	})
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if file && c.tenants[t.id] == t {
		c.takeIncarnationLocked(t, put)
	} else if t.version < put.Version {
		t.version, t.storages = put.Version, put.Storages
	}
	return put.Incarnation, nil
}

// registeredStorageNote returns the version to store for a registered tenant that uses a new
// storage. The caller adds the storage. registeredStorageNote returns nil if e has a storage
// with this digest already.
func registeredStorageNote(id string, e *tenantstore.Entry, digest string) (*tenantstore.Entry, error) {
	switch {
	case e == nil || e.State != storage.TenantActive:
		return nil, absence(id, e)
	case e.Uses(digest):
		return nil, nil
	}
	next := *e
	next.Author, next.Note = "", "uses another storage"
	return &next, nil
}

// fileStorageNote returns the version to store for a file's tenant that uses a new storage. The
// caller adds the storage. fileStorageNote returns nil if e has a storage with this digest
// already. e is nil if the tenant store has no entry of the tenant yet.
func fileStorageNote(id string, e *tenantstore.Entry, digest string) (*tenantstore.Entry, error) {
	next := &tenantstore.Entry{State: storage.TenantFromFile, Note: "served from a file"}
	switch {
	case e == nil:
		// The first incarnation of a file's tenant has no id, because the tenant may have
		// conversations from before the host had a tenant store.
		return next, nil
	case reservedForFiles(e) != nil:
		return nil, fault.New(fault.Invalid, "tenant %q comes from a file, and %w", id, reservedForFiles(e)).By(fault.PartyTenant)
	case e.State == storage.TenantPurged:
		next.Incarnation = newIncarnationID()
		return next, nil
	case e.Uses(digest):
		return nil, nil
	}
	*next = *e
	next.Author = ""
	return next, nil
}

// takeIncarnationLocked copies the incarnation and the storages of a file's tenant from the
// tenant's entry in the store to the tenantTable. Locked: mu is held.
func (c *persistedCatalog) takeIncarnationLocked(t *tenant, e *tenantstore.Entry) {
	switch {
	case e.Version < t.version:
	case !sameDocument(t.own, ownOfFile(e)): // changed own settings are checked before they are served
		t.known, t.heard = false, max(t.heard, e.Version)
		c.bots.ForgetLocked(t.id)
	default:
		t.version, t.known, t.incarnation, t.storages = e.Version, e.Version >= t.heard, e.Incarnation, e.Storages
	}
}
