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

// Trial says how far settings are tried out.
type Trial int

const (
	NoTrial   Trial = iota // by the schemas alone
	DryTrial               // plugins are asked too, where that makes nothing
	FullTrial              // each plugin takes the settings, and may make what it keeps its data in
)

// trialOf is how far settings are tried out that count then, or that do not.
func trialOf(dry bool) Trial {
	if dry {
		return DryTrial
	}
	return FullTrial
}

// Check validates a tenant's settings; its errors are config.Problems.
type Check func(ctx context.Context, id string, docs config.Documents, trial Trial) (*config.Effective, error)

// Change is what a new base does to one tenant.
type Change struct {
	Tenant string
	From   string // revision; empty: it was not served
	To     string // revision; empty: it breaks
	Err    error  // why it breaks
	// Held is why the tenant's own settings, which count now, are held by the new base.
	Held error
}

// Reload checks every tenant under a new base and answers what changes, by tenant.
// If none that is served would break, it calls commit and serves all tenants by
// the new base, at once; otherwise, or if commit is nil, it changes nothing. Turns and
// changes of tenants go on while it works. Those that change meanwhile are checked again,
// and wait with their next change until it is done. Tenants of the sources that are
// leaving are left out, as they are: their caller drops them next.
func (r *Registry) Reload(ctx context.Context, check Check, commit func(), leaving ...string) (changes []Change, broken int, err error) {
	select {
	case r.rebase <- struct{}{}:
		defer func() { <-r.rebase }()
	case <-ctx.Done():
		return nil, 0, fault.Of(context.Cause(ctx))
	}
	b := &rebase{r: r, check: check, trial: trialOf(commit == nil), left: map[string]bool{}, of: map[string]judged{}}
	for _, source := range leaving {
		b.left[source] = true
	}
	var here []string
	r.mu.Lock()
	r.writes.beginRebaseLocked()
	for id := range r.tenants {
		here = append(here, id)
	}
	r.mu.Unlock()
	done := false
	defer func() {
		if !done {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.writes.endRebaseLocked()
		}
	}()
	for _, id := range here {
		if err := b.judgeHere(ctx, id); err != nil {
			return nil, 0, err
		}
	}
	if err := b.judgeStored(ctx); err != nil {
		return nil, 0, err
	}
	if commit == nil {
		changes, broken = b.changes()
		return changes, broken, nil
	}
	for {
		changed, err := r.freeze(ctx)
		if err != nil {
			return nil, 0, err
		}
		for id := range changed {
			if err := b.judgeAgain(ctx, id); err != nil {
				return nil, 0, err
			}
		}
		if changes, broken = b.changes(); broken > 0 {
			return changes, broken, nil
		}
		r.mu.Lock()
		if len(r.writes.rebase.changed) > 0 {
			r.mu.Unlock()
			continue
		}
		defer r.mu.Unlock()
		commit()
		b.serveLocked()
		r.writes.endRebaseLocked()
		done = true
		return changes, 0, nil
	}
}

// rebase is one Rebase at work.
type rebase struct {
	r     *Registry
	check Check
	trial Trial
	left  map[string]bool // sources of tenants that are left out
	of    map[string]judged
}

// judged is what a new base makes of one tenant.
type judged struct {
	docs     config.Documents // of a tenant that is here and not the ledger's
	verdict  verdict
	from, to string // revisions; empty for none
	held     error  // why own settings that count now are held
	err      error  // why the operator's document is refused
}

// changes reports whether the new base changes something of the tenant.
func (j *judged) changes() bool { return j.from != j.to || j.held != nil }

// judgeHere checks a tenant that is here and not the ledger's, if there is one.
func (b *rebase) judgeHere(ctx context.Context, id string) error {
	r := b.r
	r.mu.Lock()
	t := r.tenants[id]
	if t == nil || b.left[t.source] || r.o.Store != nil && t.source == SourceAPI || t.doc == nil { // without a document: its source brings it again
		r.mu.Unlock()
		return nil
	}
	j := judged{docs: t.docs(), from: t.info().Revision}
	held := t.held
	r.mu.Unlock()
	j.verdict, j.err = r.assessUnder(ctx, b.check, id, j.docs, b.trial)
	b.note(id, j, held)
	return ended(ctx)
}

// note notes what became of a tenant, whose own settings are held now if held is an error.
func (b *rebase) note(id string, j judged, held error) {
	if j.verdict.effective != nil {
		j.to = j.verdict.effective.Revision
	}
	if held == nil {
		j.held = j.verdict.held
	}
	b.of[id] = j
}

// judgeStored checks the ledger's tenants.
func (b *rebase) judgeStored(ctx context.Context) error {
	if b.r.o.Store == nil {
		return nil
	}
	for after, more := "", true; more; {
		var entries []*tenantstore.Entry
		var err error
		if entries, more, err = b.r.o.Store.List(ctx, after, storage.MaxPage); err != nil {
			return unreachable(err)
		}
		for _, e := range entries {
			after = e.Tenant
			if err := b.judgeEntry(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *rebase) judgeEntry(ctx context.Context, e *tenantstore.Entry) error {
	if j := b.of[e.Tenant]; e.State == storage.TenantFromFile && j.docs.Operator != nil && !sameDocument(j.docs.Own, e.Own) {
		// Nobody asked for its own settings yet, or they have changed.
		j.docs.Own, j.held = e.Own, nil
		j.verdict, j.err = b.r.assessUnder(ctx, b.check, e.Tenant, j.docs, b.trial)
		b.note(e.Tenant, j, nil)
		return ended(ctx)
	}
	if e.State != storage.TenantActive || e.Document == nil {
		return nil
	}
	var j judged
	if was, _ := b.r.read(ctx, e); was != nil {
		j.from = was.Revision
	}
	j.verdict, j.err = b.r.assessUnder(ctx, b.check, e.Tenant, docsOf(e), b.trial)
	if b.note(e.Tenant, j, e.Held); !b.changed(e.Tenant) {
		delete(b.of, e.Tenant)
	}
	return ended(ctx)
}

func (b *rebase) changed(id string) bool {
	j := b.of[id]
	return j.changes()
}

// judgeAgain checks a tenant that has changed.
func (b *rebase) judgeAgain(ctx context.Context, id string) error {
	delete(b.of, id)
	if err := b.judgeHere(ctx, id); err != nil || b.r.o.Store == nil {
		return err
	}
	e, err := b.r.o.Store.Get(ctx, id)
	if err != nil {
		return unreachable(err)
	}
	if e == nil {
		return nil
	}
	return b.judgeEntry(ctx, e)
}

// changes are those of tenants that are still what was checked, by tenant, and how many of
// those that are served would break.
func (b *rebase) changes() (changes []Change, broken int) {
	b.r.mu.Lock()
	defer b.r.mu.Unlock()
	for id, j := range b.of {
		if !j.changes() || b.goneLocked(id, j) {
			continue
		}
		// One that only its own settings break is in nobody's way.
		if j.from != "" && j.err != nil {
			broken++
		}
		c := Change{Tenant: id, From: j.from, To: j.to, Err: j.err, Held: j.held}
		if c.Err == nil {
			c.Err = j.verdict.err
		}
		changes = append(changes, c)
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Tenant, b.Tenant) })
	return changes, broken
}

// goneLocked says whether a tenant that was here was dropped since it was checked.
// Locked: the registry's mu is held.
func (b *rebase) goneLocked(id string, j judged) bool {
	t := b.r.tenants[id]
	return j.docs.Operator != nil && (t == nil || t.doc != j.docs.Operator)
}

// serveLocked has all tenants served by the new base. Locked: the registry's mu is held.
func (b *rebase) serveLocked() {
	r := b.r
	r.o.Check = b.check
	r.writes.base++
	r.rereadStored()
	for id, j := range b.of {
		if j.docs.Operator == nil || j.err != nil || b.goneLocked(id, j) {
			continue
		}
		t := r.tenants[id]
		if t.own != j.docs.Own { // it is judged again before it is used
			if t.known = false; t.own != nil {
				r.forget(t)
				continue
			}
		}
		before := t.info().Revision
		if r.serve(t, j.verdict); t.info().Revision != before {
			t.updated = r.o.now()
		}
	}
}

// ended is the error of a context that has ended.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return fault.Of(context.Cause(ctx))
}

// rereadStored has what is here of the ledger's tenants read again before it is used.
// The caller holds mu.
func (r *Registry) rereadStored() {
	for _, t := range r.tenants {
		if t.source == SourceAPI {
			t.known = false
		}
	}
	for _, l := range r.loads {
		l.stale = true
	}
}
