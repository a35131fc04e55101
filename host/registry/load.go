package registry

import (
	"context"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

const (
	// loadTimeout is the greatest duration of one load.
	loadTimeout = 10 * time.Second
	// keepUnused is how long an unused registered tenant without a cached bot stays in the
	// tenantTable.
	keepUnused = 10 * time.Minute
)

// load is one read of a tenant from the tenant store. Several callers may wait for it. load
// does not use x/sync/singleflight. A change that the store reports during a load makes the
// load read again, and that must be decided under tenantTable.mu.
type load struct {
	done  chan struct{}
	err   error // set before done is closed
	stale bool  // the tenant may have changed since the read; guarded by tenantTable.mu
}

// ensureFresh implements freshness.ensureFresh.
func (c *persistedCatalog) ensureFresh(ctx context.Context, id string) error {
	c.mu.Lock()
	ready := c.readyLocked(id)
	c.mu.Unlock()
	if ready {
		return nil
	}
	if err := config.ValidTenantID(id); err != nil {
		return unknown(id)
	}
	if err := c.store.EnsureFresh(ctx); err != nil {
		return unreachable(err)
	}
	c.mu.Lock()
	if c.readyLocked(id) {
		c.mu.Unlock()
		return nil
	}
	l := c.loads[id]
	if l == nil {
		l = c.loadLocked(id)
	}
	c.mu.Unlock()
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		return fault.Of(context.Cause(ctx))
	}
}

// readyLocked reports whether the id can be used as it is in the tenantTable. The comment of
// persistedCatalog lists the cases. Locked: mu is held.
func (c *persistedCatalog) readyLocked(id string) bool {
	t := c.tenants[id]
	switch {
	case c.closed: // the caller then sees that the Registry is closed, and refuses the request
		return true
	case t != nil && t.fromFile() && t.known:
		return true
	case !c.store.Fresh():
		return false
	case t != nil:
		return t.known
	}
	return c.absent.Contains(id)
}

// loadLocked starts a load in the background and returns it. The load continues even if no
// caller waits for it any more. Locked: mu is held.
func (c *persistedCatalog) loadLocked(id string) *load {
	l := &load{done: make(chan struct{})}
	c.loads[id] = l
	c.work.Go(func() {
		defer close(l.done)
		ctx, cancel := context.WithTimeout(c.ctx, loadTimeout)
		defer cancel()
		for again := true; again; {
			again = c.loadOnce(ctx, id, l)
		}
	})
	return l
}

// loadOnce reads and checks a tenant and copies it to the tenantTable. It returns true if the
// tenant may have changed meanwhile. Then the caller must call loadOnce again.
func (c *persistedCatalog) loadOnce(ctx context.Context, id string, l *load) (again bool) {
	file := c.fileDocument(id)
	e, err := c.store.Get(ctx, id)
	var effective *config.Effective
	var ofFile *verdict
	switch {
	case err != nil:
	case file != nil:
		if v, wrong := c.assess(ctx, id, config.Documents{Operator: file, Own: ownOfFile(e)}, NoTrial); wrong == nil {
			ofFile = &v
		}
	default:
		effective, _ = c.judgeEntry(ctx, e)
	}
	if err == nil && ctx.Err() != nil { // a check that did not end in time says nothing about the settings
		err = fault.New(fault.Of(ctx.Err()).Class, "the settings of tenant %q were not checked in time: %w", id, ctx.Err()).By(fault.PartyHost)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && l.stale {
		l.stale = false
		return true
	}
	delete(c.loads, id)
	if err != nil {
		l.err = loadError(ctx, err)
		return false
	}
	c.takeFileEntryLocked(id, e, file, ofFile)
	c.takeEntryLocked(id, e, effective)
	return false
}

// unreachable returns the error of a request for which the tenant store returned err. The error
// is fault.PluginUnavailable. If the request was canceled, or this host refused it, unreachable
// returns err itself.
func unreachable(err error) error {
	f := fault.Of(err)
	if f.Class == fault.Canceled || f.Class == fault.Invalid && f.Origin == fault.OriginHere {
		return f // the store did not fail
	}
	out := fault.New(fault.PluginUnavailable, "the registry of tenants does not answer: %s", f.Message).After(time.Second)
	out.Told, out.Err = "the registry of tenants does not answer", err
	return out
}

// loadError returns the error of a load that failed with err. It returns err itself if this
// host returned err because time ran out. Otherwise it returns unreachable(err).
func loadError(ctx context.Context, err error) error {
	if ctx.Err() != nil && fault.Of(err).Party == fault.PartyHost {
		return err
	}
	return unreachable(err)
}

// judgeEntry checks a registration, sets e.Held, and returns the effective configuration. If
// the documents are not valid, judgeEntry sets e.Err to the reason. If ctx ends first, it does
// not set e.Err, because the result is unknown.
func (c *persistedCatalog) judgeEntry(ctx context.Context, e *tenantstore.Entry) (*config.Effective, error) {
	if e == nil || e.Document == nil || e.Err != nil {
		return nil, nil
	}
	v, err := c.assess(ctx, e.Tenant, docsOf(e), NoTrial)
	if err == nil {
		err = v.err
	}
	e.Held = v.held
	if err != nil && ctx.Err() == nil {
		e.Err = err
	}
	return v.effective, err
}

// docsOf returns the documents of a registered tenant.
func docsOf(e *tenantstore.Entry) config.Documents {
	return config.Documents{Operator: e.Document, Own: e.Own}
}

// takeEntryLocked copies a registered tenant from the store's entry to the tenantTable. e is
// nil if the store has no entry. If a file of this host has the id, takeEntryLocked does
// nothing, because the file's tenant is served. Locked: mu is held.
func (c *persistedCatalog) takeEntryLocked(id string, e *tenantstore.Entry, effective *config.Effective) {
	if c.fileTenantLocked(id) != nil {
		return
	}
	t := c.tenants[id]
	if e == nil || e.State != storage.TenantActive {
		if t != nil {
			c.deleteLocked(t)
		}
		c.absent.Add(id, absence(id, e))
		return
	}
	c.absent.Remove(id)
	if t == nil {
		t = &tenant{id: id, source: SourceAPI}
		c.insertLocked(t)
	}
	if t.version > e.Version {
		return // this host stored a newer version meanwhile
	}
	same := t.effective != nil && effective != nil && t.effective.Revision == effective.Revision && t.incarnation == e.Incarnation
	t.doc, t.own, t.held, t.stuck, t.updated = e.Document, e.Own, e.Held, nil, e.CreatedAt
	c.setErrLocked(t, e.Err)
	t.version, t.known, t.incarnation, t.storages, t.used = e.Version, e.Version >= t.heard, e.Incarnation, e.Storages, c.o.now()
	// The effective configuration is replaced even if its revision is the same, because it also
	// records which document has which key, and which secrets the documents have.
	t.effective = effective
	if !same {
		c.bots.ForgetLocked(id)
	}
}

// takePutLocked copies to the tenantTable an entry that this host has just stored. v is the
// verdict on the entry's settings. file is the document of the file that v is for, or nil for a
// registered tenant. base is the number of the base under which the settings were checked, or of
// an earlier base. If the tenant is not in the tenantTable, takePutLocked does not add it,
// because changes that the store reported meanwhile were not recorded for this tenant. The tenant
// is then read before it is used. Locked: mu is held.
func (c *persistedCatalog) takePutLocked(id string, e *tenantstore.Entry, file *config.Document, v verdict, base int64) {
	e.Held, e.Err = v.held, v.err
	if t := c.tenants[id]; t != nil {
		c.takeFileEntryLocked(id, e, file, &v)
		c.takeEntryLocked(id, e, v.effective)
		if base != c.writes.base {
			t.known = false
		}
		return
	}
	c.absent.Remove(id)
	if l := c.loads[id]; l != nil {
		l.stale = true
	}
}

// absence returns the error for an id that is not served. e is the id's entry in the tenant
// store. It is nil if there is none.
func absence(id string, e *tenantstore.Entry) error {
	if e != nil && e.State == storage.TenantRemoved {
		return fault.New(fault.NotFound, "tenant %q was removed; its id is reserved until it is restored or purged", id)
	}
	return unknown(id)
}

// absenceLocked implements freshness.absenceLocked.
func (c *persistedCatalog) absenceLocked(id string) error {
	if why, ok := c.absent.Get(id); ok {
		return why
	}
	return unknown(id)
}

// unloadLocked implements freshness.unloadLocked. A tenant whose bot could not be built stays
// in the tenantTable, so that the failure is reported until a build succeeds.
func (c *persistedCatalog) unloadLocked(now time.Time) {
	for id, t := range c.tenants {
		if !c.keptInTable(t) && now.Sub(t.used) > keepUnused && !c.bots.KnowsLocked(id) && t.admission.Idle() {
			c.unloadOneLocked(t)
		}
	}
}
