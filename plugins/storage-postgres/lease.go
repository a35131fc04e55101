package pgstore

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// maxLease is the longest lease. PostgreSQL can represent the end of such a lease as a timestamp.
const maxLease = 1000 * 24 * time.Hour

// Renew implements [storage.Renewer]. It also deletes expired rows of the table holders.
func (s *Store) Renew(ctx context.Context, holders []string, lease time.Duration) error {
	if err := storage.ValidateRenewalText(holders, lease); err != nil {
		return err
	}
	return s.run(ctx, scope{}, query{s.calls.renew, []any{holders, min(lease, maxLease)}, discardRows}, query{s.calls.forget, nil, discardRows})
}
