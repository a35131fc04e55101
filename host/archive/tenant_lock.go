package archive

import (
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// lockTenant locks the tenant against other deletions on this host until unlock is called. It
// does not wait: if the tenant is already locked, lockTenant returns fault.Conflict. The lock
// does not bind other hosts, so two hosts may delete the same tenant at the same time.
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
