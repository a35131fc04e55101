package config

import (
	"context"
	"maps"
	"slices"
)

// Tenant merges a tenant's documents on top of the host's layers, checks the result and returns
// the effective configuration. A tenant without documents has what it inherits. The secrets that
// references name must exist, and the tenant must be allowed to use them. Tenant reads them and
// does not keep them.
//
// Errors are [Problems], all of them, or the context's error. The documents are kept for
// [Effective.Explain], and not changed.
func (h *Host) Tenant(ctx context.Context, id string, docs Documents, s Schemas) (*Effective, error) {
	if doc := docs.Operator; doc == nil || doc.name == "" && len(doc.keys) == 0 {
		docs.Operator = FromMap("tenant "+id, nil)
	}
	if err := ValidTenantID(id); err != nil {
		return nil, Problems{{Pos: Pos{File: docs.Operator.name}, Message: err.Error()}}
	}
	base := h.inherited(ctx, s)
	a := tenantMerge{host: h, docs: docs, tenant: id}
	switch name, at := h.planOf(docs.Operator); {
	case name != "" && h.plans[name] == nil:
		a.problems = append(a.problems, h.unknownPlan(name, at))
	case name != "":
		base = h.planned(ctx, base, name, s)
	}
	a.base = base
	a.layers = base.layersForTenant(ctx, s)
	a.problems = append(a.problems, docs.Operator.problems...)
	a.layers.load(tenantLayer, a.withoutHostKeys(docs.Operator))
	if docs.Own != nil {
		a.loadOwn(ctx, s)
	}
	// Missing keys are reported at the operator's document.
	a.layers.provenance.set = &provenance{pos: Pos{File: docs.Operator.name}, layer: tenantLayer}
	e := a.buildEffective()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(a.problems) > 0 {
		return nil, h.withTenantName(ctx, a, s).err()
	}
	return e, nil
}

// loadOwn merges the allowed part of the tenant's own document on top.
func (a *tenantMerge) loadOwn(ctx context.Context, s Schemas) {
	a.problems = append(a.problems, a.docs.Own.problems...)
	own, operator, problems := a.host.restrict(ctx, a.withoutHostKeys(a.docs.Own), a.base, a.tenant, a.docs.Operator, s)
	// Mistakes in the operator's settings are reported also where the tenant's own settings
	// replace them. Otherwise it would not be known what is secret in them.
	a.problems = append(a.problems, problems...)
	maps.Copy(a.layers.snapshot, operator.layers.snapshot)
	a.layers.load(ownLayer, own)
}

// withTenantName returns the problems of a tenant. A problem whose position is in the host's
// layers gets the name of the tenant, unless the host's layers have it by themselves.
func (h *Host) withTenantName(ctx context.Context, a tenantMerge, s Schemas) Problems {
	file := a.docs.Operator.name
	inDocument := func(p Problem) bool { return a.docs.haveName(p.Pos.File) }
	if !slices.ContainsFunc(a.problems, func(p Problem) bool { return !inDocument(p) }) {
		return a.problems
	}
	all := map[string]bool{}
	for _, p := range h.defaultProblems(ctx, a.base, s) {
		all[p.String()] = true
	}
	for i, p := range a.problems {
		if !inDocument(p) && !all[p.String()] {
			a.problems[i].For = "tenant " + a.tenant
			if file != a.problems[i].For {
				a.problems[i].For += ", " + file
			}
		}
	}
	return a.problems
}

// withoutHostKeys adds a problem for each of the host's own keys in a document, and returns the
// document without them. They would otherwise be reported again as unknown keys.
func (a *tenantMerge) withoutHostKeys(doc *Document) *Document {
	ours := hostSchema().cursor().keys()
	theirs := tenantSchema().cursor().keys()
	out := &Document{name: doc.name, files: doc.files}
	for _, e := range doc.keys {
		if slices.Contains(ours, e.key) && !slices.Contains(theirs, e.key) {
			a.problems = append(a.problems, Problem{
				Pos: doc.Pos(Path{e.key}), Path: Path{e.key},
				Message: "is set by the operator in the host file", Expected: "a tenant's key: " + oneOf(theirs),
			})
			continue
		}
		out.keys = append(out.keys, e)
	}
	return out
}
