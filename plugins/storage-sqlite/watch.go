package sqlitestore

import (
	"context"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var _ storage.TenantWatcher = (*Store)(nil)

// watchEvery is how often a watch looks for changes that other processes made. The
// look reads one number from memory.
const watchEvery = 200 * time.Millisecond

// WatchTenants implements [storage.TenantWatcher]. Changes through this Store are told at
// once, those of other processes within watchEvery.
func (s *Store) WatchTenants(ctx context.Context, changed func() error) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	told := int64(-1)
	for {
		next := s.changes.next() // asked for before the look, so that nothing is missed
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

// bell wakes whoever waits for it.
type bell struct {
	mu   sync.Mutex
	rung chan struct{} // closed and replaced
}

func newBell() *bell { return &bell{rung: make(chan struct{})} }

func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rung
}

func (b *bell) tell() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.rung)
	b.rung = make(chan struct{})
}
