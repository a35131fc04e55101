package registry

import (
	"context"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/ledger"
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
type Check func(ctx context.Context, id string, doc *config.Document, trial Trial) (*config.Effective, error)

// Change is what a new base does to one tenant.
type Change struct {
	Tenant string
	From   string // revision; empty: it was not served
	To     string // revision; empty: it breaks
	Err    error  // why it breaks
}

// Rebase checks every tenant under a new base and answers what changes, by tenant.
// If none that is served would break, it calls commit and serves all tenants by
// the new base, at once; otherwise, or if commit is nil, it changes nothing. Turns and
// changes of tenants go on while it works. Those that change meanwhile are checked again,
// and wait with their next change until it is done. Tenants of the sources that are
// leaving are left out, as they are: their caller drops them next.
func (r *Registry) Rebase(ctx context.Context, check Check, commit func(), leaving ...string) (changes []Change, broken int, err error) {
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
	doc       *config.Document  // of a tenant that is here and not the ledger's
	effective *config.Effective // of the same; nil if it breaks
	from, to  string            // revisions; empty for none
	err       error
}

// judgeHere checks a tenant that is here and not the ledger's, if there is one.
func (b *rebase) judgeHere(ctx context.Context, id string) error {
	r := b.r
	r.mu.Lock()
	t := r.tenants[id]
	if t == nil || b.left[t.source] || r.o.Ledger != nil && t.source == SourceAPI || t.doc == nil { // without a document: its source brings it again
		r.mu.Unlock()
		return nil
	}
	j := judged{doc: t.doc, from: t.info().Revision}
	r.mu.Unlock()
	if j.effective, j.err = r.checkUnder(ctx, b.check, id, j.doc, b.trial); j.effective != nil {
		j.to = j.effective.Revision
	}
	b.of[id] = j
	return ended(ctx)
}

// judgeStored checks the ledger's tenants.
func (b *rebase) judgeStored(ctx context.Context) error {
	if b.r.o.Ledger == nil {
		return nil
	}
	for after, more := "", true; more; {
		var entries []*ledger.Entry
		var err error
		if entries, more, err = b.r.o.Ledger.List(ctx, after, storage.MaxPage); err != nil {
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

func (b *rebase) judgeEntry(ctx context.Context, e *ledger.Entry) error {
	if e.State != storage.TenantActive || e.Document == nil {
		return nil
	}
	var j judged
	if was, _ := b.r.read(ctx, e); was != nil {
		j.from = was.Revision
	}
	now, err := b.r.checkUnder(ctx, b.check, e.Tenant, e.Document, b.trial)
	if j.err = err; now != nil {
		j.to = now.Revision
	}
	if j.from != j.to {
		b.of[e.Tenant] = j
	}
	return ended(ctx)
}

// judgeAgain checks a tenant that has changed.
func (b *rebase) judgeAgain(ctx context.Context, id string) error {
	delete(b.of, id)
	if err := b.judgeHere(ctx, id); err != nil || b.r.o.Ledger == nil || b.of[id].doc != nil {
		return err
	}
	e, err := b.r.o.Ledger.Get(ctx, id)
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
		if j.from == j.to || b.goneLocked(id, j) {
			continue
		}
		if j.from != "" && j.to == "" {
			broken++
		}
		changes = append(changes, Change{Tenant: id, From: j.from, To: j.to, Err: j.err})
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Tenant, b.Tenant) })
	return changes, broken
}

// goneLocked says whether a tenant that was here was dropped since it was checked.
// Locked: the registry's mu is held.
func (b *rebase) goneLocked(id string, j judged) bool {
	t := b.r.tenants[id]
	return j.doc != nil && (t == nil || t.doc != j.doc)
}

// serveLocked has all tenants served by the new base. Locked: the registry's mu is held.
func (b *rebase) serveLocked() {
	r := b.r
	r.o.Check = b.check
	r.writes.base++
	r.rereadStored()
	for id, j := range b.of {
		if j.effective == nil || b.goneLocked(id, j) {
			continue
		}
		t := r.tenants[id]
		changed := t.effective == nil || t.effective.Revision != j.to
		t.effective = j.effective
		if changed {
			t.updated = r.o.now()
			r.forget(t)
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
