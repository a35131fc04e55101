package sqlitestore

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var _ storage.TenantWatcher = (*Store)(nil)

// watchEvery is how often a watch checks for changes by other processes. A check runs two small
// queries.
const watchEvery = 200 * time.Millisecond

// WatchTenants implements [storage.TenantWatcher]. It notices changes by this Store at once, and
// changes by other processes within watchEvery.
func (s *Store) WatchTenants(ctx context.Context, changed func() error) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	told := int64(-1)
	for {
		// The channel is taken before the check, so that a change during the check closes it.
		next := s.changes.next()
		head, err := s.TenantChanges(ctx, 0, 0)
		if err != nil {
			return fault.Of(err)
		}
		if head.Head != told {
			told = head.Head
			if err := changed(); err != nil {
				return err
			}
			continue
		}
		select {
		case <-next:
		case <-tick.C:
		case <-ctx.Done():
			return fault.Of(ctx.Err())
		}
	}
}
