package pgstore

import (
	"bytes"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// registrationRow is a row of registrationColumns. All columns but the version may be null in
// the row of a conflict.
type registrationRow struct {
	tenant, state, incarnation, note, attempt *string
	version, position                         *int64
	document                                  []byte
	created                                   *time.Time
}

// columns returns the fields to scan into, in the order of registrationColumns.
func (r *registrationRow) columns() []any {
	return []any{&r.tenant, &r.version, &r.position, &r.state, &r.incarnation, &r.document, &r.note, &r.attempt, &r.created}
}

// registration converts a row that is not null.
func (r *registrationRow) registration() storage.Registration {
	return storage.Registration{
		Tenant: *r.tenant, Version: *r.version, Position: *r.position, State: tenantState(*r.state), Incarnation: *r.incarnation,
		Document: bytes.Clone(r.document), Note: *r.note, Attempt: *r.attempt, CreatedAt: r.created.UTC(),
	}
}
