package bot

import (
	"sync"

	"github.com/botyard/botyard/host/bounds"
)

// Orphans counts the orphan turns of a host: those that may be running in a storage
// though they ended for their caller, and that are being ended in the background. It
// bounds them and what they hold in memory, for each tenant and for all. It is used
// concurrently; the zero value is ready.
type Orphans struct {
	mu      sync.Mutex
	tenants map[string]orphanCount
	all     orphanCount
}

type orphanCount struct{ turns, bytes int }

// take counts one in, until release is called, which is once. It reports false where one
// more of so many bytes is too much.
func (o *Orphans) take(tenant string, bytes int) (release func(), ok bool) {
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
func (o *Orphans) addLocked(tenant string, by orphanCount) {
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
