package registry

import (
	"context"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Change is what a reload does to one tenant.
type Change struct {
	Tenant string
	From   string // revision; empty: it was not served
	To     string // revision; empty: it breaks
	Err    error  // why it breaks
	// Held is why the tenant's own settings, which count now, are held from then on.
	Held error
}

// ReloadOptions say what a reload is to do.
type ReloadOptions struct {
	Check Check // of the new host's files
	// Commit is called when no tenant that is served breaks, at the moment from which all are
	// served by Check. mu is held: it must not call the Registry. Nil is a dry run.
	Commit func()
	// Leaving are sources whose tenants are left out, as they are: the caller drops them next.
	Leaving []string
}

// Reloaded is what a reload did, or would do.
type Reloaded struct {
	Changes []Change // by tenant
	Broken  int      // how many of these are served and break; if it is not 0, nothing was done
}

// Reload judges every tenant by another Check. If none that is served breaks, all tenants are
// served by it at once; otherwise, and in a dry run, nothing changes. Turns and changes of
// tenants go on meanwhile; see writes for how. Reloads come one after the other.
func (r *Registry) Reload(ctx context.Context, o ReloadOptions) (Reloaded, error) {
	select {
	case r.reloading <- struct{}{}:
		defer func() { <-r.reloading }()
	case <-ctx.Done():
		return Reloaded{}, fault.Of(context.Cause(ctx))
	}
	l := &reload{r: r, check: o.Check, trial: trialOf(o.Commit == nil), leaving: map[string]bool{}, judged: map[string]judged{}}
	for _, source := range o.Leaving {
		l.leaving[source] = true
	}
	var here []string
	r.mu.Lock()
	r.writes.beginReloadLocked()
	for id := range r.tenants {
		here = append(here, id)
	}
	r.mu.Unlock()
	done := false
	defer func() {
		if !done {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.writes.endReloadLocked()
		}
	}()
	for _, id := range here {
		if err := l.judgeHere(ctx, id); err != nil {
			return Reloaded{}, err
		}
	}
	if err := r.catalog.forEachEntry(ctx, func(e *tenantstore.Entry) error { return l.judgeEntry(ctx, e) }); err != nil {
		return Reloaded{}, err
	}
	if o.Commit == nil {
		return l.result(), nil
	}
	for {
		changed, err := r.freeze(ctx)
		if err != nil {
			return Reloaded{}, err
		}
		for id := range changed {
			if err := l.judgeAgain(ctx, id); err != nil {
				return Reloaded{}, err
			}
		}
		out := l.result()
		if out.Broken > 0 {
			return out, nil
		}
		r.mu.Lock()
		if len(r.writes.reload.changed) > 0 {
			r.mu.Unlock()
			continue
		}
		defer r.mu.Unlock()
		o.Commit()
		l.serveLocked()
		r.writes.endReloadLocked()
		done = true
		return out, nil
	}
}

// reload is one Reload at work.
type reload struct {
	r       *Registry
	check   Check
	trial   Trial
	leaving map[string]bool   // sources of tenants that are left out
	judged  map[string]judged // by tenant
}

// judged is what a reload makes of one tenant.
type judged struct {
	docs     config.Documents // of a tenant that is kept in the table; empty for another
	verdict  verdict
	from, to string // revisions; empty for none
	held     error  // why own settings that count now are held
	err      error  // why the operator's document is refused
}

// changes reports whether the reload changes something of the tenant.
func (j *judged) changes() bool { return j.from != j.to || j.held != nil }

// judgeHere judges a tenant that is kept in the table. It does nothing for another one, and
// for a file's without a valid document: that is read again when its file changes.
func (l *reload) judgeHere(ctx context.Context, id string) error {
	r := l.r
	r.mu.Lock()
	t := r.tenants[id]
	if t == nil || l.leaving[t.source] || !r.catalog.keptInTable(t) || t.doc == nil {
		r.mu.Unlock()
		return nil
	}
	j := judged{docs: t.docs(), from: t.describe().Revision}
	held := t.held
	r.mu.Unlock()
	j.verdict, j.err = r.assessUnder(ctx, l.check, id, j.docs, l.trial)
	l.note(id, j, held)
	return ended(ctx)
}

// note takes down what became of a tenant. held is why its own settings are held now.
func (l *reload) note(id string, j judged, held error) {
	if j.verdict.effective != nil {
		j.to = j.verdict.effective.Revision
	}
	if held == nil {
		j.held = j.verdict.held
	}
	l.judged[id] = j
}

// judgeEntry judges a registration that is kept outside of the table.
func (l *reload) judgeEntry(ctx context.Context, e *tenantstore.Entry) error {
	if j := l.judged[e.Tenant]; e.State == storage.TenantFromFile && j.docs.Operator != nil && !sameDocument(j.docs.Own, e.Own) {
		// Its own settings were not read yet, or have changed.
		j.docs.Own, j.held = e.Own, nil
		j.verdict, j.err = l.r.assessUnder(ctx, l.check, e.Tenant, j.docs, l.trial)
		l.note(e.Tenant, j, nil)
		return ended(ctx)
	}
	if e.State != storage.TenantActive || e.Document == nil {
		return nil
	}
	var j judged
	held := e.Held
	if e.Err == nil {
		before, err := l.r.assess(ctx, e.Tenant, docsOf(e), NoTrial)
		if held = before.held; err == nil && before.effective != nil {
			j.from = before.effective.Revision
		}
	}
	j.verdict, j.err = l.r.assessUnder(ctx, l.check, e.Tenant, docsOf(e), l.trial)
	l.note(e.Tenant, j, held)
	if j = l.judged[e.Tenant]; !j.changes() { // there may be very many
		delete(l.judged, e.Tenant)
	}
	return ended(ctx)
}

// judgeAgain judges a tenant that has changed.
func (l *reload) judgeAgain(ctx context.Context, id string) error {
	delete(l.judged, id)
	if err := l.judgeHere(ctx, id); err != nil {
		return err
	}
	e, err := l.r.catalog.entry(ctx, id)
	if err != nil || e == nil {
		return err
	}
	return l.judgeEntry(ctx, e)
}

// result returns the changes of tenants that are still what was judged.
func (l *reload) result() (out Reloaded) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	for id, j := range l.judged {
		if !j.changes() || l.replacedLocked(id, j) {
			continue
		}
		// A tenant that is only held, by its own settings, is not broken.
		if j.from != "" && j.err != nil {
			out.Broken++
		}
		c := Change{Tenant: id, From: j.from, To: j.to, Err: j.err, Held: j.held}
		if c.Err == nil {
			c.Err = j.verdict.err
		}
		out.Changes = append(out.Changes, c)
	}
	slices.SortFunc(out.Changes, func(a, b Change) int { return strings.Compare(a.Tenant, b.Tenant) })
	return out
}

// replacedLocked reports whether a tenant that was kept in the table was dropped or replaced
// since it was judged. Locked: the Registry's mu is held.
func (l *reload) replacedLocked(id string, j judged) bool {
	t := l.r.tenants[id]
	return j.docs.Operator != nil && (t == nil || t.doc != j.docs.Operator)
}

// serveLocked has all tenants served by the new check. Locked: the Registry's mu is held.
func (l *reload) serveLocked() {
	r := l.r
	r.o.Check = l.check
	r.writes.base++
	r.catalog.rereadLocked()
	for id, j := range l.judged {
		if j.docs.Operator == nil || j.err != nil || l.replacedLocked(id, j) {
			continue
		}
		t := r.tenants[id]
		if t.own != j.docs.Own { // it is judged again before it is used
			if t.known = false; t.own != nil {
				r.cache.ForgetLocked(id)
				continue
			}
		}
		before := t.describe().Revision
		if r.serveLocked(t, j.verdict); t.describe().Revision != before {
			t.updated = r.o.now()
		}
	}
}

// ended returns the error of a context that has ended; nil for another.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return fault.Of(context.Cause(ctx))
}
