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
	// loadTimeout bounds one look into the ledger.
	loadTimeout = 10 * time.Second
	// keepUnused is how long a tenant without a cached bot is kept.
	keepUnused = 10 * time.Minute
)

// loading is one look into the ledger, waited for by any number.
type loading struct {
	done  chan struct{}
	err   error // set before done is closed
	stale bool  // the tenant changed since; guarded by the registry's mu
}

// bring makes sure that what is here of a tenant is not older than what the ledger
// had a second ago. File tenants are their folder's matter.
func (r *Registry) bring(ctx context.Context, id string) error {
	if r.o.Store == nil {
		return nil
	}
	r.mu.Lock()
	ready := r.ready(id)
	r.mu.Unlock()
	if ready {
		return nil
	}
	if err := config.ValidTenantID(id); err != nil {
		return unknown(id)
	}
	if err := r.o.Store.EnsureFresh(ctx); err != nil {
		return unreachable(err)
	}
	r.mu.Lock()
	if r.ready(id) {
		r.mu.Unlock()
		return nil
	}
	l := r.loads[id]
	if l == nil {
		l = r.load(id)
	}
	r.mu.Unlock()
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		return fault.Of(context.Cause(ctx))
	}
}

// ready says that the tenant can be used as it is here. The caller holds mu.
func (r *Registry) ready(id string) bool {
	t := r.tenants[id]
	switch {
	case r.closed, t != nil && t.source != SourceAPI && t.known:
		return true // what is heard of it makes it unknown
	case !r.o.Store.Fresh():
		return false
	case t != nil:
		return t.known
	}
	return r.absent.Contains(id)
}

func unreachable(err error) error {
	f := fault.Of(err)
	if f.Class == fault.Canceled || f.Class == fault.Invalid && f.Origin == fault.OriginHere {
		return f // it was not asked, or not for this
	}
	out := fault.New(fault.PluginUnavailable, "the registry of tenants does not answer: %s", f.Message).After(time.Second)
	out.Err = err
	return out
}

// unread is why a look into the ledger gave nothing.
func unread(ctx context.Context, err error) error {
	if ctx.Err() != nil && fault.Of(err).Party == fault.PartyHost {
		return err
	}
	return unreachable(err)
}

// load starts a look that outlives whoever asked first. The caller holds mu.
func (r *Registry) load(id string) *loading {
	l := &loading{done: make(chan struct{})}
	r.loads[id] = l
	r.work.Go(func() {
		defer close(l.done)
		ctx, cancel := context.WithTimeout(r.ctx, loadTimeout)
		defer cancel()
		for {
			file := r.fileOf(id)
			e, err := r.o.Store.Get(ctx, id)
			var effective *config.Effective
			var v *verdict
			switch {
			case err != nil:
			case file != nil:
				if found, wrong := r.assess(ctx, id, config.Documents{Operator: file, Own: ownOfFile(e)}, NoTrial); wrong == nil {
					v = &found
				}
			default:
				effective, _ = r.read(ctx, e)
			}
			if err == nil && ctx.Err() != nil { // it says nothing of the settings
				err = fault.New(fault.Of(ctx.Err()).Class, "the settings of tenant %q were not checked in time: %w", id, ctx.Err()).By(fault.PartyHost)
			}
			r.mu.Lock()
			if err == nil && l.stale {
				l.stale = false
				r.mu.Unlock()
				continue // it changed while it was read
			}
			delete(r.loads, id)
			if err == nil {
				r.noteOwn(id, e, file, v)
				r.install(id, e, effective)
			} else {
				l.err = unread(ctx, err)
			}
			r.mu.Unlock()
			return
		}
	})
	return l
}

// read gives what an entry's settings make; e.Err is set if they make nothing. When ctx
// ends it is not known what they make, and e.Err is not set.
func (r *Registry) read(ctx context.Context, e *tenantstore.Entry) (*config.Effective, error) {
	if e == nil || e.Document == nil || e.Err != nil {
		return nil, nil
	}
	v, err := r.assess(ctx, e.Tenant, docsOf(e), NoTrial)
	if err == nil {
		err = v.err
	}
	e.Held = v.held
	if err != nil && ctx.Err() == nil {
		e.Err = err
	}
	return v.effective, err
}

// docsOf are the documents of a registered tenant.
func docsOf(e *tenantstore.Entry) config.Documents {
	return config.Documents{Operator: e.Document, Own: e.Own}
}

// fileOf gives the document of a tenant of this host's files; nil for another tenant, and
// for one whose file never was valid.
func (r *Registry) fileOf(id string) *config.Document {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tenants[id]; t != nil && t.source != SourceAPI {
		return t.doc
	}
	return nil
}

// install takes what the ledger has of a tenant. The caller holds mu.
func (r *Registry) install(id string, e *tenantstore.Entry, effective *config.Effective) {
	t := r.tenants[id]
	if t != nil && t.source != SourceAPI {
		return // the file was here first; who registered the id meanwhile is not served here
	}
	if e == nil || e.State != storage.TenantActive {
		if t != nil {
			r.deleteTenant(t)
			r.forget(t)
		}
		r.absent.Add(id, absence(id, e))
		return
	}
	r.absent.Remove(id)
	if t == nil {
		t = &tenant{id: id, source: SourceAPI}
		r.insertTenant(t)
	}
	if t.version > e.Version {
		return // put from here meanwhile
	}
	same := t.effective != nil && effective != nil && t.effective.Revision == effective.Revision && t.incarnation == e.Incarnation
	t.doc, t.own, t.held, t.stuck, t.updated = e.Document, e.Own, e.Held, nil, e.CreatedAt
	r.setErrLocked(t, e.Err)
	t.version, t.known, t.incarnation, t.storages, t.used = e.Version, e.Version >= t.heard, e.Incarnation, e.Storages, r.o.now()
	// Also of the same revision: which of its documents has which key, and which secrets are in
	// them, the one of before does not know.
	t.effective = effective
	if !same {
		r.forget(t)
	}
}

// installPut takes what was just put from here, and was checked under that base or a later
// one. Of a tenant that is new here nobody has
// noted what was heard since, and so it is read before it is used. The caller holds mu.
func (r *Registry) installPut(id string, e *tenantstore.Entry, effective *config.Effective, base int64) {
	if t := r.tenants[id]; t != nil {
		r.install(id, e, effective)
		if base != r.writes.base {
			t.known = false
		}
		return
	}
	r.absent.Remove(id)
	if l := r.loads[id]; l != nil {
		l.stale = true
	}
}

// absence says why an id is not served.
func absence(id string, e *tenantstore.Entry) error {
	if e != nil && e.State == storage.TenantRemoved {
		return fault.New(fault.NotFound, "tenant %q was removed; its id is reserved until it is restored or purged", id)
	}
	return unknown(id)
}

// Changed is told which tenants the ledger has something new of, nil for any. What
// is here of them is read again before it is used.
func (r *Registry) Changed(changes []storage.TenantChange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if changes == nil {
		r.absent.Purge()
		for id, t := range r.tenants {
			t.known, t.version, t.heard = false, 0, 0
			r.forgetFiles(t)
			if l := r.loads[id]; l != nil {
				l.stale = true
			}
		}
		return
	}
	for _, c := range changes {
		if l := r.loads[c.Tenant]; l != nil {
			l.stale = true
		}
		r.absent.Remove(c.Tenant)
		t := r.tenants[c.Tenant]
		if t == nil {
			continue
		}
		t.heard = max(t.heard, c.Version)
		if t.version < c.Version {
			t.known = false
			r.forgetFiles(t)
		}
	}
}

// forgetFiles drops the bot of a file's tenant whose entry changed: it may write under
// a life that is over. Tenants of the ledger are read again before they are used. The
// caller holds mu.
func (r *Registry) forgetFiles(t *tenant) {
	if t.source != SourceAPI && t.noting == 0 {
		r.forget(t)
	}
}

// unload drops tenants of the ledger that nobody asked for lately. Of those whose bot
// could not be built it is told until it can. The caller holds mu.
func (r *Registry) unload(now time.Time) {
	if r.o.Store == nil {
		return
	}
	for id, t := range r.tenants {
		if t.source == SourceAPI && now.Sub(t.used) > keepUnused && t.building == nil && t.failing == nil && !r.cache.Contains(id) && t.gate.Idle() {
			r.deleteTenant(t)
		}
	}
}
