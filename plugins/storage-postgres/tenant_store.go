package pgstore

import (
	"cmp"
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// tenantStates has the names of tenant states in the database.
var tenantStates = map[storage.TenantState]string{
	storage.TenantActive: "active", storage.TenantRemoved: "removed", storage.TenantPurged: "purged", storage.TenantFromFile: "of_file",
}

// tenantState returns the tenant state with the given name in the database.
func tenantState(word string) storage.TenantState {
	for state, w := range tenantStates {
		if w == word {
			return state
		}
	}
	return 0
}

// allTenants is the scope of calls that read the registrations of all tenants.
var allTenants = scope{all: true, readOnly: true}

// PutTenant implements [storage.TenantStore].
func (s *Store) PutTenant(ctx context.Context, req *storage.PutTenantRequest) (*storage.Registration, error) {
	if err := req.ValidateText(); err != nil {
		return nil, err
	}
	document := req.Document
	if document == nil {
		document = []byte{}
	}
	args := []any{req.IfVersion, tenantStates[req.State], req.Incarnation, document, req.Note, req.Attempt, req.EraseHistory,
		int64(storage.MaxHistoryVersions), s.channel, int64(storage.MaxHistoryBytes), int64(storage.MinHistoryVersions)}
	var put *storage.Registration
	err := s.run(ctx, scope{tenant: req.Tenant}, query{s.calls.put, args, func(rows pgx.Rows) error {
		put = nil
		if !rows.Next() {
			return noRow(rows, "put")
		}
		var kind string
		var r registrationRow
		if err := rows.Scan(append([]any{&kind}, r.columns()...)...); err != nil {
			return err
		}
		if kind == "conflict" {
			return fault.New(fault.Conflict, "the newest version is %d, not %d", *r.version, req.IfVersion).At("if_version")
		}
		made := r.registration()
		put = &made
		return nil
	}})
	return put, err
}

// GetTenants implements [storage.TenantStore].
func (s *Store) GetTenants(ctx context.Context, ids []string) ([]storage.Registration, error) {
	if err := storage.ValidateIDs(ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := storage.ValidText("tenants", id); err != nil {
			return nil, err
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	page, err := s.registrations(ctx, allTenants, 0, s.calls.get, ids)
	if err != nil {
		return nil, err
	}
	return page.Registrations, nil
}

// ListTenants implements [storage.TenantStore].
func (s *Store) ListTenants(ctx context.Context, after string, limit int) (*storage.RegistrationPage, error) {
	if err := cmp.Or(storage.ValidateLimit(limit), storage.ValidText("after", after)); err != nil {
		return nil, err
	}
	return s.registrations(ctx, allTenants, limit, s.calls.listTenants, int64(sdk.MaxPageBytes), after, int64(limit+1))
}

// TenantHistory implements [storage.TenantStore].
func (s *Store) TenantHistory(ctx context.Context, tenant string, before int64, limit int) (*storage.RegistrationPage, error) {
	if err := cmp.Or(storage.ValidateHistory(tenant, before, limit), storage.ValidText("tenant", tenant)); err != nil {
		return nil, err
	}
	return s.registrations(ctx, scope{tenant: tenant, readOnly: true}, limit, s.calls.history, int64(sdk.MaxPageBytes), before, int64(limit+1))
}

// registrations runs a statement that returns registrations. If limit is 0, it returns all of them.
// Otherwise it returns a page, which ends after limit rows or before the first row without a
// document.
func (s *Store) registrations(ctx context.Context, sc scope, limit int, sql string, args ...any) (*storage.RegistrationPage, error) {
	var page *storage.RegistrationPage
	err := s.run(ctx, sc, query{sql, args, func(rows pgx.Rows) error {
		page = &storage.RegistrationPage{}
		var r registrationRow
		for rows.Next() {
			if err := rows.Scan(r.columns()...); err != nil {
				return err
			}
			if limit > 0 && (len(page.Registrations) == limit || r.document == nil) {
				page.More = true
				break
			}
			page.Registrations = append(page.Registrations, r.registration())
		}
		return nil
	}})
	return page, err
}

// TenantChanges implements [storage.TenantStore]. If a tenant has changed several times, it returns
// only the newest change.
func (s *Store) TenantChanges(ctx context.Context, after int64, limit int) (*storage.TenantChangePage, error) {
	if err := storage.ValidateChanges(after, limit); err != nil {
		return nil, err
	}
	more := int64(limit + 1)
	if limit == 0 {
		more = 0
	}
	var page *storage.TenantChangePage
	err := s.run(ctx, allTenants, query{s.calls.changes, []any{after, more}, func(rows pgx.Rows) error {
		page = &storage.TenantChangePage{}
		for rows.Next() {
			var position, version *int64
			var tenant *string
			if err := rows.Scan(&page.Head, &position, &tenant, &version); err != nil {
				return err
			}
			if tenant == nil {
				continue
			}
			if len(page.Changes) == limit {
				page.More = true
				break
			}
			page.Changes = append(page.Changes, storage.TenantChange{Position: *position, Tenant: *tenant, Version: *version})
		}
		return nil
	}})
	return page, err
}
