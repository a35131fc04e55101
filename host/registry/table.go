package registry

import (
	"sync"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// bots are the methods of the bot cache that the table calls.
type bots interface {
	// ForgetLocked drops the id's bot, because what it is built from has changed.
	ForgetLocked(id string)
	// KnowsLocked reports whether the id's bot is cached, is being built, or failed to build.
	KnowsLocked(id string) bool
	// FailureLocked returns why the last build of the id's bot failed; nil if it succeeded, or
	// if there was none.
	FailureLocked(id string) error
}

// tenantTable holds tenants in memory: all tenants of this host's files, and the registered
// tenants that were asked for lately.
type tenantTable struct {
	o    *Options
	bots bots

	mu         sync.Mutex // guards the fields below, and the bot cache
	tenants    map[string]*tenant
	invalid    map[*tenant]struct{} // the tenants whose err is not nil
	admissions admissions
	tries      tries
	writes     writes
	closed     bool
}

// insertLocked adds a tenant to the table. Locked: mu is held.
func (t *tenantTable) insertLocked(n *tenant) {
	n.admission = t.admissions.take(n.id)
	t.tenants[n.id] = n
	t.setErrLocked(n, n.err)
}

// deleteLocked removes a tenant from the table and drops its bot. Locked: mu is held.
func (t *tenantTable) deleteLocked(n *tenant) {
	t.unloadOneLocked(n)
	t.bots.ForgetLocked(n.id)
}

// unloadOneLocked removes a tenant from the table. It leaves the bot cache alone. Locked: mu
// is held.
func (t *tenantTable) unloadOneLocked(n *tenant) {
	delete(t.tenants, n.id)
	delete(t.invalid, n)
	t.admissions.keep(n.id, n.admission)
}

// setErrLocked records why the newest settings of a tenant are not served; nil if they are.
// Locked: mu is held.
func (t *tenantTable) setErrLocked(n *tenant, err error) {
	n.err = err
	if err != nil && t.tenants[n.id] == n {
		t.invalid[n] = struct{}{}
	} else {
		delete(t.invalid, n)
	}
}

// serveLocked serves a tenant by the verdict on its documents. If the verdict has no effective
// configuration, because a plugin of the tenant's own settings is missing, a tenant that is
// served keeps its present configuration. Locked: mu is held.
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

// describeLocked describes a tenant of the table, with the error of its bot's last failed
// build. Locked: mu is held.
func (t *tenantTable) describeLocked(n *tenant) Tenant {
	out := n.describe()
	out.Unavailable = t.bots.FailureLocked(n.id)
	return out
}

// fileTenantLocked returns the tenant with the id if it comes from a file of this host, else
// nil. Locked: mu is held.
func (t *tenantTable) fileTenantLocked(id string) *tenant {
	if n := t.tenants[id]; n != nil && n.fromFile() {
		return n
	}
	return nil
}

// fileDocument returns the document of a tenant of this host's files. It is nil for another
// tenant, and for one whose file never was valid.
func (t *tenantTable) fileDocument(id string) *config.Document {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.fileTenantLocked(id); n != nil {
		return n.doc
	}
	return nil
}

// unknown returns the error for an id without a tenant.
func unknown(id string) error {
	return fault.New(fault.NotFound, "there is no tenant %q", id)
}
