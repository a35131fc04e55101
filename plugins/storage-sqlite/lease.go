package sqlitestore

import (
	"context"
	"math"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

var _ storage.Renewer = (*Store)(nil)

// Renew implements [storage.Renewer]. It also revives a lease that has expired, if no Begin has
// interrupted the turn yet. It deletes the rows of all other holders whose leases have expired.
func (s *Store) Renew(ctx context.Context, holders []string, lease time.Duration) error {
	if err := storage.ValidateRenewalText(holders, lease); err != nil {
		return err
	}
	return s.write(ctx, func(tx *session) error {
		now := s.now()
		if _, err := tx.exec("DELETE FROM holders WHERE until <= ?", now.UnixNano()); err != nil {
			return err
		}
		until := after(now, lease)
		for _, holder := range holders {
			if _, err := tx.exec(`INSERT INTO holders (holder, until) VALUES (?, ?)
				ON CONFLICT DO UPDATE SET until = max(until, excluded.until)`, holder, until); err != nil {
				return err
			}
		}
		return nil
	})
}

// after returns the time at which a lease that begins at t expires, in nanoseconds since 1970. It
// returns math.MaxInt64 if the sum overflows.
func after(t time.Time, lease time.Duration) int64 {
	now := t.UnixNano()
	if now > math.MaxInt64-int64(lease) {
		return math.MaxInt64
	}
	return now + int64(lease)
}
