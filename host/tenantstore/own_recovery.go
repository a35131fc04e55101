package tenantstore

import (
	"context"
	"crypto/rand"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Older hosts do not know a tenant's own settings. An older host that changes a registration
// writes a version without them. The version before still has the own settings, and a newer
// host takes them from there.
//
// A newer host reads earlier versions only if two conditions hold. First, an older host wrote
// the newest version: such a version lacks the mark Entry.knowsOwn. Second, the version was
// written after a newer host first stored own settings of any tenant: before that, a newer host
// writes a special row, ownSettingsRow, whose position is less than that of later versions.

// ownSettingsRow is the id of the row that a newer host writes before the first own settings of
// any tenant. It is not a valid tenant id, and no host lists it.
const ownSettingsRow = "@layers"

// historyStep is how many earlier versions recoverOwn reads with one call.
const historyStep = 10

// noteOwnSettingsRow records the position of ownSettingsRow if found has the row.
func (s *Store) noteOwnSettingsRow(found []storage.Registration) {
	for _, r := range found {
		if r.Tenant == ownSettingsRow {
			s.ownSettingsSince.Store(r.Position)
		}
	}
}

// findOwnSettingsRow reads ownSettingsRow from the storage if its position is not known yet.
func (s *Store) findOwnSettingsRow(ctx context.Context) error {
	if s.ownSettingsSince.Load() != 0 {
		return nil
	}
	found, err := s.o.Storage().GetTenants(ctx, []string{ownSettingsRow})
	s.noteOwnSettingsRow(found)
	return err
}

// putOwnSettingsRow writes ownSettingsRow if it does not exist.
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
	if fault.Is(err, fault.Conflict) { // another host has written the row at the same time
		return s.findOwnSettingsRow(ctx)
	}
	if err == nil {
		s.noteOwnSettingsRow([]storage.Registration{*r})
	}
	return err
}

// lostOwn reports whether an older host wrote the version e, so that own settings of the
// version before may be missing in e.
func (s *Store) lostOwn(e *Entry) bool {
	since := s.ownSettingsSince.Load()
	return !e.knowsOwn && since != 0 && e.position > since && e.Version > 1 && e.State != storage.TenantPurged
}

// takeOwn copies the own settings of the earlier version before into e.
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
// earlier versions, newest first, until it finds a version that a newer host wrote.
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
