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

// Change describes how a reload changes one tenant.
type Change struct {
	Tenant string
	From   string // revision before the reload; empty if the tenant was not served
	To     string // revision after the reload; empty if the tenant cannot be served
	Err    error  // why the tenant cannot be served
	// Held is why the reload holds the tenant's own settings, which were not held before.
	Held error
}

// ReloadOptions are the options of Reload.
type ReloadOptions struct {
	Check Check // validates settings under the new files of the host
	// Commit is called if every served tenant can still be served. All tenants are served by
	// Check from then on. mu is held, so Commit must not call the Registry. A nil Commit makes
	// the reload a dry run.
	Commit func()
	// Leaving has the sources of tenants that the reload neither checks nor changes. The caller
	// drops these tenants after the reload.
	Leaving []string
}

// Reloaded says what a reload changed or, in a dry run, would change.
type Reloaded struct {
	Changes []Change // ordered by tenant id
	Broken  int      // number of served tenants that cannot be served under Check; if it is not 0, the reload changed nothing
}

// Reload checks every tenant with o.Check. If all served tenants can still be served, it serves
// all tenants by o.Check at once. Otherwise it changes nothing. A dry run changes nothing
// either. Turns and changes of tenants continue during a reload, as the comment of writes
// explains. Reloads run one after another.
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

// reload is the state of a running Reload.
type reload struct {
	r       *Registry
	check   Check
	trial   Trial
	leaving map[string]bool   // sources of tenants that the reload leaves out
	judged  map[string]judged // by tenant id
}

// judged is the result of a reload's check of one tenant.
type judged struct {
	docs     config.Documents // documents of a tenant that is only in the tenantTable; empty for another tenant
	verdict  verdict
	from, to string // revisions before and after the reload; empty for none
	held     error  // why the reload holds own settings that were not held before
	err      error  // why the operator's document is refused
}

// changes reports whether the reload changes the served revision of the tenant, or holds the
// tenant's own settings.
func (j *judged) changes() bool { return j.from != j.to || j.held != nil }

// judgeHere checks a tenant whose operator's document is only in the tenantTable. It skips any
// other tenant. It also skips a file's tenant without a valid document, because that tenant is
// checked again when its file changes.
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

// note records the result of the check of a tenant. held is why the tenant's own settings were
// held before the reload. It is nil if they were not held.
func (l *reload) note(id string, j judged, held error) {
	if j.verdict.effective != nil {
		j.to = j.verdict.effective.Revision
	}
	if held == nil {
		j.held = j.verdict.held
	}
	l.judged[id] = j
}

// judgeEntry checks a registration in the tenant store. If the registration is of a file's
// tenant, and its own settings differ from those in the tenantTable, judgeEntry checks the
// tenant again.
func (l *reload) judgeEntry(ctx context.Context, e *tenantstore.Entry) error {
	if j := l.judged[e.Tenant]; e.State == storage.TenantFromFile && j.docs.Operator != nil && !sameDocument(j.docs.Own, e.Own) {
		// The tenantTable has not read these own settings yet, or they have changed.
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
	if j = l.judged[e.Tenant]; !j.changes() { // unchanged tenants are not stored, because there may be very many
		delete(l.judged, e.Tenant)
	}
	return ended(ctx)
}

// judgeAgain checks a tenant that has changed after its first check.
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

// result returns the changes of the reload. It leaves out tenants that were replaced after
// their check.
func (l *reload) result() (out Reloaded) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	for id, j := range l.judged {
		if !j.changes() || l.replacedLocked(id, j) {
			continue
		}
		// A tenant whose own settings alone have a problem (verdict.err) does not count as
		// broken.
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

// replacedLocked reports whether a tenant that is only in the tenantTable was dropped or
// replaced after its check. Locked: the Registry's mu is held.
func (l *reload) replacedLocked(id string, j judged) bool {
	t := l.r.tenants[id]
	return j.docs.Operator != nil && (t == nil || t.doc != j.docs.Operator)
}

// serveLocked makes the new check the present one, and serves all tenants by the results of the
// new check. Locked: the Registry's mu is held.
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
		if t.own != j.docs.Own { // the tenant is checked again before it is used
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

// ended returns the cause of the end of ctx. It returns nil if ctx has not ended.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return fault.Of(context.Cause(ctx))
}
