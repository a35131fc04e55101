package pgstore

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// maxLease bounds leases, so that their ends are times that PostgreSQL can hold.
const maxLease = 1000 * 24 * time.Hour

// Renew implements [storage.Renewer].
func (s *Store) Renew(ctx context.Context, holders []string, lease time.Duration) error {
	if err := storage.ValidateRenewalText(holders, lease); err != nil {
		return err
	}
	return s.run(ctx, scope{}, query{s.calls.renew, []any{holders, min(lease, maxLease)}, discardRows}, query{s.calls.forget, nil, discardRows})
}
