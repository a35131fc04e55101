package registry

import (
	"context"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/ledger"
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
// the new base, at once; otherwise, or if commit is nil, it changes nothing. While
// it works no tenant is registered; turns go on. Tenants of the sources that are
// leaving are left out, as they are: their caller drops them next.
func (r *Registry) Rebase(ctx context.Context, check Check, commit func(), leaving ...string) (changes []Change, broken int, err error) {
	r.change.Lock()
	defer r.change.Unlock()
	type next struct {
		effective *config.Effective
		err       error
	}
	left := make(map[string]bool, len(leaving))
	for _, source := range leaving {
		left[source] = true
	}
	r.mu.Lock()
	docs := make(map[string]*config.Document, len(r.tenants))
	for id, t := range r.tenants {
		if !left[t.source] && (r.o.Ledger == nil || t.source != SourceAPI) {
			docs[id] = t.doc // nil for one that never was valid: its source brings it again
		}
	}
	r.mu.Unlock()
	all := make(map[string]next, len(docs))
	for id, doc := range docs {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		if doc == nil {
			continue
		}
		e, err := check(ctx, id, doc, trialOf(commit == nil))
		all[id] = next{e, err}
	}
	if changes, broken, err = r.rebaseStored(ctx, check, trialOf(commit == nil)); err != nil {
		return nil, 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, n := range all {
		t, ok := r.tenants[id]
		if !ok || t.doc != docs[id] {
			continue // dropped meanwhile
		}
		c := Change{Tenant: id, From: t.info().Revision, Err: n.err}
		if n.effective != nil {
			c.To = n.effective.Revision
		}
		if c.From == c.To {
			continue
		}
		if c.From != "" && c.To == "" {
			broken++
		}
		changes = append(changes, c)
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Tenant, b.Tenant) })
	if broken > 0 || commit == nil {
		return changes, broken, nil
	}
	commit()
	r.o.Check = check
	r.rereadStored()
	for id, n := range all {
		t, ok := r.tenants[id]
		if !ok || t.doc != docs[id] || n.effective == nil {
			continue
		}
		changed := t.effective == nil || t.effective.Revision != n.effective.Revision
		t.effective = n.effective
		if changed {
			t.updated = r.o.now()
			r.forget(t)
		}
	}
	return changes, 0, nil
}

// rebaseStored says what a new base does to the ledger's tenants.
func (r *Registry) rebaseStored(ctx context.Context, check Check, trial Trial) (changes []Change, broken int, err error) {
	if r.o.Ledger == nil {
		return nil, 0, nil
	}
	for after, more := "", true; more; {
		var entries []*ledger.Entry
		if entries, more, err = r.o.Ledger.List(ctx, after, storage.MaxPage); err != nil {
			return nil, 0, unreachable(err)
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return nil, 0, err
			}
			after = e.Tenant
			if e.State != storage.TenantActive || e.Document == nil {
				continue
			}
			c := Change{Tenant: e.Tenant}
			if was, _ := r.read(ctx, e); was != nil {
				c.From = was.Revision
			}
			now, err := check(ctx, e.Tenant, e.Document, trial)
			if c.Err = err; now != nil {
				c.To = now.Revision
			}
			if c.From == c.To {
				continue
			}
			if c.From != "" && c.To == "" {
				broken++
			}
			changes = append(changes, c)
		}
	}
	return changes, broken, nil
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
