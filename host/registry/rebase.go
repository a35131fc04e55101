package registry

import (
	"context"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/config"
)

// Check validates a tenant's settings; its errors are config.Problems.
type Check func(ctx context.Context, id string, doc *config.Document) (*config.Effective, error)

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
// it works no tenant is registered; turns go on.
func (r *Registry) Rebase(ctx context.Context, check Check, commit func()) (changes []Change, broken int, err error) {
	r.change.Lock()
	defer r.change.Unlock()
	type next struct {
		effective *config.Effective
		err       error
	}
	r.mu.Lock()
	docs := make(map[string]*config.Document, len(r.tenants))
	for id, t := range r.tenants {
		docs[id] = t.doc // nil for one that never was valid: its source brings it again
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
		e, err := check(ctx, id, doc)
		all[id] = next{e, err}
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
