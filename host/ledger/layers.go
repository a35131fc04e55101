package ledger

import (
	"context"
	"crypto/rand"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// A host of before there were own settings reads a registration without them, and writes
// its next version without them. That loses nothing: the version before has them still,
// and a host of today takes them from there. Whether it has to look is known by who wrote
// the newest version, and by a row of the registry's own: it is written before the first
// own settings of any tenant, so that what is older needs no look.

// layersRow is the id of that row. No tenant can have it, and no host lists what it is.
const layersRow = "@layers"

// historyStep is how many versions are looked at at once.
const historyStep = 10

// noteLayers notes where the row is, if it is among those found.
func (l *Ledger) noteLayers(found []storage.Registration) {
	for _, r := range found {
		if r.Tenant == layersRow {
			l.layersSince.Store(r.Position)
		}
	}
}

// learnLayers asks for the row, unless it is known.
func (l *Ledger) learnLayers(ctx context.Context) error {
	if l.layersSince.Load() != 0 {
		return nil
	}
	found, err := l.o.Storage.GetTenants(ctx, []string{layersRow})
	l.noteLayers(found)
	return err
}

// markLayers makes the row, unless it is there.
func (l *Ledger) markLayers(ctx context.Context) error {
	if err := l.learnLayers(ctx); err != nil || l.layersSince.Load() != 0 {
		return err
	}
	document, err := pack(l.o.Key, &Entry{})
	if err != nil {
		return err
	}
	r, err := l.o.Storage.PutTenant(ctx, &storage.PutTenantRequest{
		Tenant: layersRow, State: storage.TenantPurged, Document: document, Attempt: rand.Text(),
		Note: "tenants have own settings from here on",
	})
	if fault.Is(err, fault.Conflict) { // another host was faster
		return l.learnLayers(ctx)
	}
	if err == nil {
		l.noteLayers([]storage.Registration{*r})
	}
	return err
}

// lacksLayer reports whether whoever wrote the version did not know of own settings that
// the tenant may have had.
func (l *Ledger) lacksLayer(e *Entry) bool {
	since := l.layersSince.Load()
	return !e.twoLayers && since != 0 && e.position > since && e.Version > 1 && e.State != storage.TenantPurged
}

// takeOwn takes the own settings of the version before e.
func (e *Entry) takeOwn(before *Entry) {
	if before.State == storage.TenantPurged {
		return
	}
	e.Own, e.OwnLiterals = before.Own, before.OwnLiterals
	if e.Err == nil && before.Own == nil && before.OwnLiterals != nil {
		e.Err = before.Err
	}
}

// mend gives an entry the own settings that whoever wrote it left out.
func (l *Ledger) mend(ctx context.Context, e *Entry) error {
	if !l.lacksLayer(e) {
		return nil
	}
	for before, more := e.Version, true; more; {
		page, err := l.o.Storage.TenantHistory(ctx, e.Tenant, before, historyStep)
		if err != nil {
			return err
		}
		versions, err := l.unpackAll(ctx, page)
		if err != nil {
			return err
		}
		for _, v := range versions {
			if before = v.Version; !l.lacksLayer(v) {
				e.takeOwn(v)
				return nil
			}
		}
		more = page.More && len(page.Registrations) > 0
	}
	return nil
}
