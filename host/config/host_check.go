package config

import (
	"context"
	"fmt"
	"slices"
)

// hostProblems returns the problems of the host's own keys, and those problems of inherited keys
// that can be found without a plugin's schema.
func (s *layers) hostProblems(tree map[string]any) Problems {
	ours, theirs := hostSchema().cursor().keys(), tenantSchema().cursor().keys()
	findings := hostSchema().check(tree)
	for i, f := range findings {
		if f.kind == unknownKey && len(f.path) == 1 && slices.Contains(theirs, f.path[0]) {
			findings[i].message = "is a tenant's key"
			findings[i].expected = fmt.Sprintf("it below %q", defaultsKey)
		}
	}
	problems := s.schemaProblems(nil, findings)
	problems = append(problems, s.unknownNulls(nil, hostSchema(), tree, nil)...)

	for _, key := range ours {
		if key == defaultsKey || key == planKey {
			continue
		}
		provenanceTree, _ := hostSchema().cursor().key(key)
		provenanceTree.leaves(Path{key}, tree[key], func(path Path, value any, m marks) {
			if _, ok := path.relativeTo(registryStorage); ok {
				return // the schema of the storage plugin marks the secrets
			}
			if message, expected, stray := strayReference(value); stray && !m.secret {
				problems = append(problems, s.problem(path, message, expected))
			}
		})
	}

	if inherited, ok := tree[defaultsKey].(map[string]any); ok {
		problems = append(problems, s.inheritedProblems(inherited)...)
	}
	return problems
}

// inheritedProblems returns the problems of inherited keys that can be found without a plugin's
// schema.
func (s *layers) inheritedProblems(tree map[string]any) Problems {
	ours := hostSchema().cursor().keys()
	findings := tenantSchema().check(tree)
	for i, f := range findings {
		if f.kind == unknownKey && len(f.path) == 1 && slices.Contains(ours, f.path[0]) {
			findings[i].message = "is the host's own key"
			findings[i].expected = "it at the top level of the host file"
		}
	}
	problems := s.schemaProblems(s.root, findings)
	return append(problems, s.unknownNulls(s.root, tenantSchema(), tree, nil)...)
}

// CheckDefaults checks the configuration that tenants inherit, with each plan and without a plan.
// A missing required key or an undefined prompt variable is no problem, because each tenant may
// add it. An error is [Problems] or the error of ctx.
func (h *Host) CheckDefaults(ctx context.Context, s Schemas) error {
	base := h.inherited(ctx, s)
	problems := h.defaultProblems(ctx, base, s)
	for name := range h.plans {
		problems = append(problems, h.defaultProblems(ctx, h.planned(ctx, base, name, s), s)...)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return problems.err()
}

// defaultProblems returns the problems of the tenant keys in base.
func (h *Host) defaultProblems(ctx context.Context, base *baseMerge, s Schemas) Problems {
	a := tenantMerge{host: h, base: base, layers: base.layersForTenant(ctx, s), partial: true}
	a.buildEffective()
	return a.problems
}
