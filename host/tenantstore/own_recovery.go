package tenantstore

import (
	"context"
	"crypto/rand"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// A tenant's own settings came to the registration later than the operator's. An older
// host, which does not know them, reads a registration without them, and writes its next
// version without them. Nothing is lost by this: the version before still has them, and a
// newer host takes them from there.
//
// A newer host has to look at earlier versions only where an older host wrote the newest
// one after own settings had come into use. It knows the first by a mark in each version
// (Entry.knowsOwn), and the second by a row of the store's own, which is written before
// the first own settings of any tenant.

// ownSettingsRow is the id of that row. No tenant can have it, and no host lists it.
const ownSettingsRow = "@layers"

// historyStep is how many earlier versions are read at once.
const historyStep = 10

// noteOwnSettingsRow notes the position of the row if it is among those found.
func (s *Store) noteOwnSettingsRow(found []storage.Registration) {
	for _, r := range found {
		if r.Tenant == ownSettingsRow {
			s.ownSettingsSince.Store(r.Position)
		}
	}
}

// findOwnSettingsRow asks the storage for the row, unless its position is known.
func (s *Store) findOwnSettingsRow(ctx context.Context) error {
	if s.ownSettingsSince.Load() != 0 {
		return nil
	}
	found, err := s.o.Storage().GetTenants(ctx, []string{ownSettingsRow})
	s.noteOwnSettingsRow(found)
	return err
}

// putOwnSettingsRow writes the row, unless it is there.
func (s *Store) putOwnSettingsRow(ctx context.Context) error {
	if err := s.findOwnSettingsRow(ctx); err != nil || s.ownSettingsSince.Load() != 0 {
		return err
	}
	document, err := pack(s.o.Key, &Entry{})
	if err != nil {
		return err
	}
	r, err := s.o.Storage().PutTenant(ctx, &storage.PutTenantRequest{
		Tenant: ownSettingsRow, State: storage.TenantPurged, Document: document, Attempt: rand.Text(),
		Note: "tenants have own settings from here on",
	})
	if fault.Is(err, fault.Conflict) { // another host wrote it first
		return s.findOwnSettingsRow(ctx)
	}
	if err == nil {
		s.noteOwnSettingsRow([]storage.Registration{*r})
	}
	return err
}

// lostOwn reports whether an older host wrote the version, and may have left out own
// settings that the version before has.
func (s *Store) lostOwn(e *Entry) bool {
	since := s.ownSettingsSince.Load()
	return !e.knowsOwn && since != 0 && e.position > since && e.Version > 1 && e.State != storage.TenantPurged
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

// recoverOwn gives an entry the own settings that an older host left out of it. It reads
// earlier versions until it finds one that a newer host wrote.
func (s *Store) recoverOwn(ctx context.Context, e *Entry) error {
	if !s.lostOwn(e) {
		return nil
	}
	for before, more := e.Version, true; more; {
		page, err := s.o.Storage().TenantHistory(ctx, e.Tenant, before, historyStep)
		if err != nil {
			return err
		}
		versions, err := s.unpackAll(ctx, page)
		if err != nil {
			return err
		}
		for _, v := range versions {
			if before = v.Version; !s.lostOwn(v) {
				e.takeOwn(v)
				return nil
			}
		}
		more = page.More && len(page.Registrations) > 0
	}
	return nil
}
