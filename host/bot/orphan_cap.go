package bot

import (
	"sync"

	"github.com/botyard/botyard/host/bounds"
)

// OrphanCap bounds the orphan turns of a host that are being ended in the background, and
// the memory that they hold, for each tenant and for all. It is used concurrently. The zero
// value is ready.
type OrphanCap struct {
	mu      sync.Mutex
	tenants map[string]orphanCount
	all     orphanCount
}

type orphanCount struct{ turns, bytes int }

// reserve counts one more orphan with the given bytes until release is called. The caller
// calls release once. It returns false, and counts nothing, if that is more than the tenant
// or the host may have.
func (o *OrphanCap) reserve(tenant string, bytes int) (release func(), ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	own := o.tenants[tenant]
	if own.turns >= bounds.MaxOrphans || own.bytes+bytes > bounds.MaxOrphanBytes ||
		o.all.turns >= bounds.MaxAllOrphans || o.all.bytes+bytes > bounds.MaxAllOrphanBytes {
		return nil, false
	}
	o.addLocked(tenant, orphanCount{1, bytes})
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.addLocked(tenant, orphanCount{-1, -bytes})
	}, true
}

// addLocked changes the counts. Locked: mu is held.
func (o *OrphanCap) addLocked(tenant string, by orphanCount) {
	own := o.tenants[tenant]
	own.turns, own.bytes = own.turns+by.turns, own.bytes+by.bytes
	o.all.turns, o.all.bytes = o.all.turns+by.turns, o.all.bytes+by.bytes
	switch {
	case own.turns == 0:
		delete(o.tenants, tenant)
	case o.tenants == nil:
		o.tenants = map[string]orphanCount{tenant: own}
	default:
		o.tenants[tenant] = own
	}
}
