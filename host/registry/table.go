package registry

import (
	"sync"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// bots has the methods of the bot cache that the tenantTable calls.
type bots interface {
	// ForgetLocked drops the id's bot, because the settings or parts of the bot have changed.
	ForgetLocked(id string)
	// KnowsLocked reports whether the id's bot is cached, is being built, or failed to build.
	KnowsLocked(id string) bool
	// FailureLocked returns the error of the newest build of the id's bot, if that build
	// failed. Otherwise it returns nil.
	FailureLocked(id string) error
}

// tenantTable has the tenants that are in memory: all tenants of this host's files, and the
// recently used registered tenants.
type tenantTable struct {
	o    *Options
	bots bots

	mu         sync.Mutex // guards the fields from here on, and the bot cache
	tenants    map[string]*tenant
	invalid    map[*tenant]struct{} // tenants whose err is not nil
	admissions admissions
	tries      tries
	writes     writes
	closed     bool
}

// insertLocked adds a tenant to the tenantTable. Locked: mu is held.
func (t *tenantTable) insertLocked(n *tenant) {
	n.admission = t.admissions.take(n.id)
	t.tenants[n.id] = n
	t.setErrLocked(n, n.err)
}

// deleteLocked removes a tenant from the tenantTable and drops its bot. Locked: mu is held.
func (t *tenantTable) deleteLocked(n *tenant) {
	t.unloadOneLocked(n)
	t.bots.ForgetLocked(n.id)
}

// unloadOneLocked removes a tenant from the tenantTable. It does not change the bot cache.
// Locked: mu is held.
func (t *tenantTable) unloadOneLocked(n *tenant) {
	delete(t.tenants, n.id)
	delete(t.invalid, n)
	t.admissions.keep(n.id, n.admission)
}

// setErrLocked records err as the reason why the newest settings of a tenant are not served.
// err is nil if they are served. Locked: mu is held.
func (t *tenantTable) setErrLocked(n *tenant, err error) {
	n.err = err
	if err != nil && t.tenants[n.id] == n {
		t.invalid[n] = struct{}{}
	} else {
		delete(t.invalid, n)
	}
}

// serveLocked serves a tenant by the verdict on its documents. If a plugin of the tenant's own
// settings is missing, the verdict has no effective configuration, and a tenant that is served
// keeps its present configuration. Locked: mu is held.
func (t *tenantTable) serveLocked(n *tenant, v verdict) {
	n.held, n.stuck = v.held, v.err
	if v.effective == nil && n.effective != nil {
		return
	}
	changed := (n.effective == nil) != (v.effective == nil) || v.effective != nil && n.effective.Revision != v.effective.Revision
	n.effective = v.effective
	if changed {
		t.bots.ForgetLocked(n.id)
	}
}

// describeLocked returns the description of a tenant of the tenantTable, with the error of its
// bot's newest build. Locked: mu is held.
func (t *tenantTable) describeLocked(n *tenant) Tenant {
	out := n.describe()
	out.Unavailable = t.bots.FailureLocked(n.id)
	return out
}

// fileTenantLocked returns the tenant with the id if it comes from a file of this host.
// Otherwise it returns nil. Locked: mu is held.
func (t *tenantTable) fileTenantLocked(id string) *tenant {
	if n := t.tenants[id]; n != nil && n.fromFile() {
		return n
	}
	return nil
}

// fileDocument returns the document of a tenant of this host's files. It returns nil if no file
// has the id, or if the file was never valid.
func (t *tenantTable) fileDocument(id string) *config.Document {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.tenants[id]; n != nil {
		return n.fileDocument()
	}
	return nil
}

// unknown returns the error for an id that has no tenant.
func unknown(id string) error {
	return fault.New(fault.NotFound, "there is no tenant %q", id)
}
