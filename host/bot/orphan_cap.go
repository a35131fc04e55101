package bot

import (
	"sync"

	"github.com/botyard/botyard/host/bounds"
)

// OrphanCap bounds how many orphan turns the host ends in the background at once, and how many
// bytes of memory these turns hold. It has a bound for each tenant and a bound for all tenants.
// It is safe for concurrent use. The zero value is ready.
type OrphanCap struct {
	mu      sync.Mutex
	tenants map[string]orphanCount
	all     orphanCount
}

type orphanCount struct{ turns, bytes int }

// reserve counts one more orphan with the given bytes until release is called. The caller calls
// release once. If the orphan exceeds the bound of the tenant or of the host, reserve counts
// nothing and returns false.
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

// addLocked adds by to the counts of the tenant and of the host. Locked: mu is held.
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
