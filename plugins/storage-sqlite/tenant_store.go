package sqlitestore

import (
	"cmp"
	"context"
	"database/sql"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var _ storage.TenantStore = (*Store)(nil)

var tenantStates = map[storage.TenantState]string{
	storage.TenantActive: "active", storage.TenantRemoved: "removed", storage.TenantPurged: "purged", storage.TenantFromFile: "of_file",
}

// PutTenant implements [storage.TenantStore].
func (s *Store) PutTenant(ctx context.Context, req *storage.PutTenantRequest) (*storage.Registration, error) {
	if err := req.ValidateText(); err != nil {
		return nil, err
	}
	var r *storage.Registration
	err := s.write(ctx, func(tx *session) (err error) {
		r, err = putVersion(tx, req, s.now().UnixNano())
		return err
	})
	if err != nil {
		return nil, err
	}
	s.changes.notify()
	if req.EraseHistory {
		s.janitor.scrubWAL()
	}
	return r, nil
}

func putVersion(tx *session, req *storage.PutTenantRequest, stamp int64) (*storage.Registration, error) {
	found, err := newestVersion(tx, req.Tenant)
	if err != nil {
		return nil, err
	}
	var version, head int64
	if found != nil {
		if found.Attempt == req.Attempt {
			return found, nil
		}
		version = found.Version
	}
	if version != req.IfVersion {
		return nil, fault.New(fault.Conflict, "the tenant is at version %d", version).At("if_version")
	}
	if _, err := tx.get([]any{&head}, "SELECT coalesce(max(position), 0) FROM tenants"); err != nil {
		return nil, err
	}
	version, head = version+1, head+1
	document := req.Document
	if document == nil {
		document = []byte{}
	}
	_, err = tx.exec(`INSERT INTO registrations (position, tenant, version, state, incarnation, document, note, attempt, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		head, req.Tenant, version, tenantStates[req.State], req.Incarnation, document, req.Note, req.Attempt, stamp)
	if err != nil {
		return nil, err
	}
	_, err = tx.exec(`INSERT INTO tenants (tenant, version, position) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET version = excluded.version, position = excluded.position`, req.Tenant, version, head)
	if err != nil {
		return nil, err
	}
	kept := int64(storage.MaxHistoryVersions)
	if req.EraseHistory {
		kept = 1
	}
	if _, err = tx.exec("DELETE FROM registrations WHERE tenant = ? AND version <= ?", req.Tenant, version-kept); err != nil {
		return nil, err
	}
	if _, err = tx.exec(tooMuchHistory, req.Tenant, version-storage.MinHistoryVersions, storage.MaxHistoryBytes); err != nil {
		return nil, err
	}
	return newestVersion(tx, req.Tenant)
}

// tooMuchHistory deletes old versions of tenant ?1, so that the documents of the remaining versions
// have at most ?3 bytes together. It never deletes versions greater than ?2. It reads only the
// lengths of the documents.
const tooMuchHistory = `DELETE FROM registrations WHERE tenant = ?1 AND version <= ?2 AND version IN (
	SELECT version FROM (SELECT version, sum(length(document)) OVER (ORDER BY version DESC) AS upto FROM registrations WHERE tenant = ?1)
	WHERE upto > ?3)`

const versionColumns = "r.tenant, r.version, r.position, r.state, r.incarnation, r.document, r.note, r.attempt, r.created_at"

// newestOf is the beginning of a query for registered tenants with their newest versions.
const newestOf = "SELECT " + versionColumns + " FROM tenants t JOIN registrations r ON r.position = t.position WHERE "

func scanVersion(rows *sql.Rows) (r storage.Registration, err error) {
	var state string
	var created int64
	err = rows.Scan(&r.Tenant, &r.Version, &r.Position, &state, &r.Incarnation, &r.Document, &r.Note, &r.Attempt, &created)
	r.CreatedAt = timeOf(created)
	for s, name := range tenantStates {
		if name == state {
			r.State = s
		}
	}
	return r, err
}

// newestVersion returns the newest version of the tenant, or nil if the tenant was never
// registered.
func newestVersion(tx *session, tenant string) (found *storage.Registration, err error) {
	err = tx.each(func(rows *sql.Rows) (bool, error) {
		r, err := scanVersion(rows)
		found = &r
		return false, err
	}, newestOf+"t.tenant = ?", tenant)
	return found, err
}

// GetTenants implements [storage.TenantStore].
func (s *Store) GetTenants(ctx context.Context, ids []string) ([]storage.Registration, error) {
	if err := storage.ValidateIDs(ids); err != nil {
		return nil, err
	}
	var all []storage.Registration
	err := s.read(ctx, func(tx *session) error {
		for _, id := range ids {
			r, err := newestVersion(tx, id)
			if err != nil {
				return err
			}
			if r != nil {
				all = append(all, *r)
			}
		}
		return nil
	})
	return all, err
}

// ListTenants implements [storage.TenantStore].
func (s *Store) ListTenants(ctx context.Context, after string, limit int) (*storage.RegistrationPage, error) {
	if err := cmp.Or(storage.ValidateLimit(limit), storage.ValidText("after", after)); err != nil {
		return nil, err
	}
	return s.versions(ctx, limit, newestOf+"t.tenant > ? ORDER BY t.tenant LIMIT ?", after)
}

// TenantHistory implements [storage.TenantStore].
func (s *Store) TenantHistory(ctx context.Context, tenant string, before int64, limit int) (*storage.RegistrationPage, error) {
	if err := storage.ValidateHistory(tenant, before, limit); err != nil {
		return nil, err
	}
	return s.versions(ctx, limit, "SELECT "+versionColumns+` FROM registrations r WHERE r.tenant = ?1 AND (?2 = 0 OR r.version < ?2)
		ORDER BY r.version DESC LIMIT ?3`, tenant, before)
}

// versions returns a page with at most limit versions. It passes limit+1 as the last parameter of
// the query.
func (s *Store) versions(ctx context.Context, limit int, query string, args ...any) (*storage.RegistrationPage, error) {
	page := &storage.RegistrationPage{}
	err := s.read(ctx, func(tx *session) error {
		var size storage.PageBytes
		full := false
		return tx.each(func(rows *sql.Rows) (bool, error) {
			if page.More = full || len(page.Registrations) == limit; page.More {
				return false, nil
			}
			r, err := scanVersion(rows)
			page.Registrations = append(page.Registrations, r)
			full = size.Full(r.Size())
			return true, err
		}, query, append(args, limit+1)...)
	})
	return page, err
}

// TenantChanges implements [storage.TenantStore].
func (s *Store) TenantChanges(ctx context.Context, after int64, limit int) (*storage.TenantChangePage, error) {
	if err := storage.ValidateChanges(after, limit); err != nil {
		return nil, err
	}
	page := &storage.TenantChangePage{}
	err := s.read(ctx, func(tx *session) error {
		if _, err := tx.get([]any{&page.Head}, "SELECT coalesce(max(position), 0) FROM tenants"); err != nil {
			return err
		}
		return tx.each(func(rows *sql.Rows) (bool, error) {
			if page.More = len(page.Changes) == limit; page.More {
				return false, nil
			}
			var c storage.TenantChange
			err := rows.Scan(&c.Position, &c.Tenant, &c.Version)
			page.Changes = append(page.Changes, c)
			return true, err
		}, "SELECT position, tenant, version FROM tenants WHERE position > ? ORDER BY position LIMIT ?", after, limit+1)
	})
	return page, err
}
