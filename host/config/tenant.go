package config

import (
	"context"
	"maps"
	"slices"
)

// Tenant merges a tenant's documents on top of the host's layers, checks the result and returns
// the effective configuration. A tenant without documents gets the inherited configuration.
// Tenant reads the secret of every reference and checks that the tenant may use it, but does not
// store these secrets.
//
// Errors are [Problems], which lists all mistakes, or the error of ctx. The result refers to the
// documents, which [Effective.Explain] needs. Neither Tenant nor Explain modifies the documents.
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
	// From here on, a missing key has the position of the operator's document.
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

// loadOwn merges the permitted part of the tenant's own document on top of the operator's
// settings.
func (a *tenantMerge) loadOwn(ctx context.Context, s Schemas) {
	a.problems = append(a.problems, a.docs.Own.problems...)
	own, operator, problems := a.host.restrict(ctx, a.withoutHostKeys(a.docs.Own), a.base, a.tenant, a.docs.Operator, s)
	// A mistake in the operator's settings is also reported if the tenant's own settings replace
	// the wrong value. Otherwise a secret in the operator's settings might not be recognized.
	a.problems = append(a.problems, problems...)
	maps.Copy(a.layers.snapshot, operator.layers.snapshot)
	a.layers.load(ownLayer, own)
}

// withTenantName returns the problems of a tenant's merge. It adds the tenant's name to each
// problem that has its position in a layer of the host but does not exist without this tenant.
func (h *Host) withTenantName(ctx context.Context, a tenantMerge, s Schemas) Problems {
	file := a.docs.Operator.name
	inDocument := func(p Problem) bool { return a.docs.haveName(p.Pos.File) }
	if !slices.ContainsFunc(a.problems, func(p Problem) bool { return !inDocument(p) }) {
		return a.problems
	}
	all := map[string]bool{}
	inherited := defaultsCheck{host: h, schemas: s}
	for _, p := range inherited.problems(ctx, a.base) {
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

// withoutHostKeys returns doc without the keys that only the host file may have, and adds a
// problem for each. They are removed so that the schema does not report them again as unknown
// keys.
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
