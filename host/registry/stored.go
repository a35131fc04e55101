package registry

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// contested is how often a change without a condition is tried when others change
// the same tenant.
const contested = 10

// change makes the next version of a stored tenant: next gets the newest one, nil if
// there is none, and answers what follows it, or nil for no change. It is asked
// again when somebody else was faster, unless the change has a condition.
func (r *Registry) changeStored(ctx context.Context, id string, conditional, forget bool, next func(*tenantstore.Entry) (*tenantstore.Entry, error)) (*tenantstore.Entry, error) {
	for try := 1; ; try++ {
		before, err := r.o.Store.Get(ctx, id)
		if err != nil {
			return nil, unreachable(err)
		}
		under := r.base()
		after, err := next(before)
		if err != nil || after == nil {
			return before, err
		}
		after.Tenant = id
		end, again, err := r.beginStored(ctx, before, after, under)
		if err != nil {
			return nil, err
		}
		if again {
			try--
			continue
		}
		var version int64
		if before != nil {
			version = before.Version
		}
		put, err := r.o.Store.Put(ctx, *after, tenantstore.PutOptions{IfVersion: version, EraseHistory: forget})
		end()
		if fault.Is(err, fault.Conflict) && !conditional && try < contested {
			continue
		}
		if fault.Is(err, fault.Conflict) {
			return nil, fault.New(fault.Conflict, "tenant %q was changed by somebody else meanwhile", id).At("If-Match")
		}
		if err != nil {
			return nil, unreachable(err)
		}
		return put, nil
	}
}

// beginStored begins a change of a stored tenant, until end is called, as far as a reload
// has to know of it: of what is served, and with what. The change is to be made again if
// its settings were checked under another base.
func (r *Registry) beginStored(ctx context.Context, before, after *tenantstore.Entry, under base) (end func(), again bool, err error) {
	same := before != nil && before.State == after.State && before.Document == after.Document
	if ownOfFile(before) == ownOfFile(after) && (same && before.Own == after.Own || after.State != storage.TenantActive) {
		return func() {}, false, nil
	}
	r.mu.Lock()
	wait, other := r.writes.beginWriteLocked(after.Tenant, under.number)
	r.mu.Unlock()
	if other != nil {
		return nil, true, await(ctx, wait)
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.writes.endWriteLocked(after.Tenant)
	}, false, nil
}

// putStored is Put for tenants of the ledger.
func (r *Registry) putStored(ctx context.Context, id string, doc *config.Document, o PutOptions) (Tenant, *config.Effective, error) {
	if err := r.freeOfFiles(id); err != nil {
		return Tenant{}, nil, err
	}
	base := r.base().number
	var change accepted
	var shown Tenant
	var created bool
	put, err := r.changeStored(ctx, id, o.IfMatch != "" || o.IfNone, false, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		standing := r.standing(ctx, e)
		if err := reserved(id, e); err != nil {
			return nil, err
		}
		if err := r.accepts(standing, id, o); err != nil {
			return nil, err
		}
		created = standing == nil
		var old config.Documents
		var was *config.Effective
		next := &tenantstore.Entry{State: storage.TenantActive, Incarnation: newLife(), Note: o.Note, Author: o.author()}
		if standing != nil {
			old, was = standing.docs(), standing.effective
			next.Own, next.OwnLiterals = e.Own, e.OwnLiterals
			next.Incarnation, next.Storages, next.Former = e.Incarnation, e.Storages, e.Former
		}
		same := false
		err := r.o.Slots.Do(ctx, id, func(ctx context.Context) (err error) {
			if change, err = r.judge(ctx, id, doc, old, was, o); err != nil {
				return err
			}
			next.Document, next.Literals = change.docs.Operator, change.literals
			if change.effective != nil {
				used := r.o.Storage(change.effective)
				if err := next.CanNote(used); err != nil {
					return err
				}
				if created {
					// It is not used yet. But most tenants have one storage all their lives, and so it
					// is noted without a version of its own. Another is noted before its first turn.
					next.Storages = []config.SealedBlock{used}
				}
			}
			same = standing != nil && sameDocument(old.Operator, next.Document)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if o.DryRun || same {
			shown = (&tenant{id: id, source: SourceAPI, updated: r.o.now()}).with(change).info()
			if standing != nil {
				shown.Version, shown.UpdatedAt = e.Version, e.CreatedAt
			}
			return nil, nil
		}
		return next, nil
	})
	if err != nil {
		return Tenant{}, nil, err
	}
	if shown.ID != "" {
		return r.tagged(shown, change.docs), change.effective, nil
	}
	put.Held, put.Err = change.held, change.err
	r.mu.Lock()
	r.installPut(id, put, change.effective, base)
	r.mu.Unlock()
	out := asPut(id, put, change.effective)
	out.Created = created
	return r.tagged(out, change.docs), change.effective, nil
}

// asPut describes a registered tenant as it was just put.
func asPut(id string, put *tenantstore.Entry, effective *config.Effective) Tenant {
	t := tenant{
		id: id, source: SourceAPI, doc: put.Document, own: put.Own, held: put.Held, err: put.Err, effective: effective,
		version: put.Version, updated: put.CreatedAt,
	}
	return t.info()
}

// standing is the tenant that an entry stands for, nil if it stands for none.
func (r *Registry) standing(ctx context.Context, e *tenantstore.Entry) *tenant {
	if e == nil || e.State != storage.TenantActive {
		return nil
	}
	effective, _ := r.read(ctx, e)
	return &tenant{id: e.Tenant, source: SourceAPI, doc: e.Document, own: e.Own, effective: effective, held: e.Held, err: e.Err, version: e.Version, updated: e.CreatedAt}
}

// freeOfFiles refuses an id that a file of this host has.
func (r *Registry) freeOfFiles(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tenants[id]; t != nil && t.source != SourceAPI {
		return r.accepts(t, id, PutOptions{Source: SourceAPI})
	}
	return nil
}

// reserved refuses an id that what a former tenant wrote is kept under.
func reserved(id string, e *tenantstore.Entry) error {
	switch {
	case e == nil:
		return nil
	case e.State == storage.TenantRemoved:
		return fault.New(fault.Conflict, "tenant %q was removed, and its id is reserved for what it wrote: restore it, or purge it first", id).At("tenant")
	case e.State == storage.TenantFromFile:
		return fault.New(fault.Conflict, "tenant %q is or was one of a file, and its id is reserved for what it wrote: purge it first", id).At("tenant")
	}
	return nil
}

// removeStored is Remove for tenants of the ledger.
func (r *Registry) removeStored(ctx context.Context, id, ifMatch string) error {
	if err := r.freeOfFiles(id); err != nil {
		return err
	}
	put, err := r.changeStored(ctx, id, ifMatch != "", false, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		standing := r.standing(ctx, e)
		if standing == nil {
			return nil, absence(id, e)
		}
		if err := r.accepts(standing, id, PutOptions{Source: SourceAPI, IfMatch: ifMatch}); err != nil {
			return nil, err
		}
		next := *e
		next.State, next.Note, next.Author = storage.TenantRemoved, "removed", tenantstore.Operator
		return &next, nil
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.install(id, put, nil)
	return nil
}

// Restore serves a removed tenant again, with the settings that it had.
// fault.NotFound; fault.Conflict for one that is not removed.
func (r *Registry) Restore(ctx context.Context, id string) (Tenant, error) {
	if err := r.historic(); err != nil {
		return Tenant{}, err
	}
	if err := r.freeOfFiles(id); err != nil {
		return Tenant{}, err
	}
	base := r.base().number
	var v verdict
	put, err := r.changeStored(ctx, id, false, false, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		switch {
		case e == nil || e.State == storage.TenantPurged:
			return nil, unknown(id)
		case e.State != storage.TenantRemoved:
			return nil, fault.New(fault.Conflict, "tenant %q is not removed", id).At("tenant")
		case e.Receipt != nil || e.Document == nil:
			return nil, fault.New(fault.Conflict, "a purge of tenant %q has begun and is not done: repeat it", id).At("tenant")
		case e.Err != nil:
			return nil, e.Err
		}
		var err error
		if v, err = r.assess(ctx, id, docsOf(e), FullTrial); err != nil {
			return nil, err
		}
		next := *e
		next.State, next.Note, next.Author = storage.TenantActive, "restored", tenantstore.Operator
		return &next, nil
	})
	if err != nil {
		return Tenant{}, err
	}
	put.Held, put.Err = v.held, v.err
	r.mu.Lock()
	r.installPut(id, put, v.effective, base)
	r.mu.Unlock()
	return r.tagged(asPut(id, put, v.effective), docsOf(put)), nil
}

// listStored pages through the ledger's tenants; the page is not empty if more
// follow.
func (r *Registry) listStored(ctx context.Context, after string, limit int) (out []Tenant, more bool, err error) {
	for {
		entries, more, err := r.o.Store.List(ctx, after, min(limit, storage.MaxPage))
		if err != nil {
			return nil, false, unreachable(err)
		}
		judged := 0
		for i, e := range entries {
			after = e.Tenant
			switch e.State {
			case storage.TenantActive:
				if here, ok := r.loaded(e); ok {
					out = append(out, here)
					break
				}
				out = append(out, r.unavailable(r.standing(ctx, e).info()))
				if judged += weight(e); judged >= bounds.PageValues {
					return out, more || i < len(entries)-1, nil
				}
			case storage.TenantRemoved:
				out = append(out, Tenant{ID: e.Tenant, Source: SourceAPI, Version: e.Version, Removed: true, UpdatedAt: e.CreatedAt})
			}
		}
		if !more || len(out) > 0 {
			return out, more, nil
		}
	}
}

// weight is what it costs to judge the entry: the values of its documents.
func weight(e *tenantstore.Entry) int { return e.Document.Count() + e.Own.Count() }

// loaded returns the tenant as it is known here, if that is what the entry stands for and
// nothing has happened since that has it judged again, as Reconsider and a reload do.
func (r *Registry) loaded(e *tenantstore.Entry) (Tenant, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	here := r.tenants[e.Tenant]
	if here == nil || here.source != SourceAPI || !here.known || here.version != e.Version || here.effective == nil && here.err == nil {
		return Tenant{}, false
	}
	return here.info(), true
}

// unavailable adds what is known here of a stored tenant's bot.
func (r *Registry) unavailable(t Tenant) Tenant {
	r.mu.Lock()
	defer r.mu.Unlock()
	if here := r.tenants[t.ID]; here != nil && here.version == t.Version && here.failing != nil {
		t.Unavailable = here.failing.err
	}
	return t
}

// IDTaken says who has the id that a file brings, or why it is not free; nil if it is,
// or is a file's already. What the ledger cannot say now it says before the first turn.
func (r *Registry) IDTaken(ctx context.Context, id string) error {
	r.mu.Lock()
	t := r.tenants[id]
	taken := t != nil && t.source == SourceAPI && r.o.Store == nil
	r.mu.Unlock()
	if taken {
		return fmt.Errorf("the id is taken by %s, which goes on", SourceAPI)
	}
	if r.o.Store == nil || r.o.Store.Empty() {
		return nil
	}
	e, err := r.o.Store.Get(ctx, id)
	if err != nil || e == nil {
		return nil
	}
	return reservedFromFiles(e)
}

// reservedFromFiles says why no file may have the entry's id; nil if one may.
func reservedFromFiles(e *tenantstore.Entry) error {
	switch e.State {
	case storage.TenantActive:
		return fmt.Errorf("the id is taken by %s, which goes on", SourceAPI)
	case storage.TenantRemoved:
		return fmt.Errorf("the id is reserved for what a removed tenant wrote: restore it over the API, or purge it first")
	}
	return nil
}
