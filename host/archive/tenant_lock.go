package archive

import (
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// lockTenant keeps other deletions of the tenant out of this host until unlock is called.
// It does not wait: while the tenant is locked, it returns fault.Conflict. Other hosts are
// not kept out; two of them may delete the same tenant at once.
func (a *Archive) lockTenant(id string) (unlock func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.locked[id] {
		return nil, fault.New(fault.Conflict, "tenant %q is being erased or purged", id).At("tenant").After(time.Second)
	}
	a.locked[id] = true
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.locked, id)
	}, nil
}
