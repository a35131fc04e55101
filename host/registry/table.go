package registry

import (
	"sync"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// bots are what the table tells and asks the bot cache.
type bots interface {
	// ForgetLocked is told that what the id's bot is built from has changed.
	ForgetLocked(id string)
	// KnowsLocked reports whether something is known of the id's bot.
	KnowsLocked(id string) bool
	// FailureLocked returns why the id's bot could not be built.
	FailureLocked(id string) error
}

// tenantTable has the tenants that are served by this host, in memory: all those of files,
// and of the registered ones those that were asked for lately.
type tenantTable struct {
	o    *Options
	bots bots

	mu         sync.Mutex // guards what follows, and the bot cache
	tenants    map[string]*tenant
	invalid    map[*tenant]struct{} // of tenants: those that have an err
	admissions admissions
	tries      tries
	writes     writes
	closed     bool
}

// insertLocked puts a tenant in. Locked: mu is held.
func (t *tenantTable) insertLocked(n *tenant) {
	n.admission = t.admissions.take(n.id)
	t.tenants[n.id] = n
	t.setErrLocked(n, n.err)
}

// deleteLocked takes a tenant out. Its bot is forgotten. Locked: mu is held.
func (t *tenantTable) deleteLocked(n *tenant) {
	t.unloadOneLocked(n)
	t.bots.ForgetLocked(n.id)
}

// unloadOneLocked takes a tenant out of which no bot is known. Locked: mu is held.
func (t *tenantTable) unloadOneLocked(n *tenant) {
	delete(t.tenants, n.id)
	delete(t.invalid, n)
	t.admissions.keep(n.id, n.admission)
}

// setErrLocked notes why the newest settings of a tenant that is here are not served; nil
// if they are. Locked: mu is held.
func (t *tenantTable) setErrLocked(n *tenant, err error) {
	n.err = err
	if err != nil && t.tenants[n.id] == n {
		t.invalid[n] = struct{}{}
	} else {
		delete(t.invalid, n)
	}
}

// serveLocked has a tenant served by what its documents make now. If that is nothing
// because a plugin of its own settings is missing, a tenant that is served goes on as it is.
// Locked: mu is held.
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

// describeLocked describes a tenant that is here, with why its bot could not be built.
// Locked: mu is held.
func (t *tenantTable) describeLocked(n *tenant) Tenant {
	out := n.describe()
	out.Unavailable = t.bots.FailureLocked(n.id)
	return out
}

// fileTenantLocked returns the tenant that a file of this host brings under the id; nil if
// none does. Locked: mu is held.
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

// unknown is the error for an id without a tenant.
func unknown(id string) error {
	return fault.New(fault.NotFound, "there is no tenant %q", id)
}
