package pgstore

import (
	"bytes"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// registrationRow is a row with the columns of registrationColumns. In the row that reports a
// conflict, only the version is not null.
type registrationRow struct {
	tenant, state, incarnation, note, attempt *string
	version, position                         *int64
	document                                  []byte
	created                                   *time.Time
}

// columns returns pointers to the fields in the order of registrationColumns.
func (r *registrationRow) columns() []any {
	return []any{&r.tenant, &r.version, &r.position, &r.state, &r.incarnation, &r.document, &r.note, &r.attempt, &r.created}
}

// registration converts the row. No column may be null.
func (r *registrationRow) registration() storage.Registration {
	return storage.Registration{
		Tenant: *r.tenant, Version: *r.version, Position: *r.position, State: tenantState(*r.state), Incarnation: *r.incarnation,
		Document: bytes.Clone(r.document), Note: *r.note, Attempt: *r.attempt, CreatedAt: r.created.UTC(),
	}
}
