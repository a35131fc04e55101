package config

import (
	"context"
	"fmt"
	"slices"
	"strings"
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

// PluginCheck returns what the plugin of a block says is wrong in its configuration, which has passed
// the plugin's schema. The paths of the problems begin below the block.
type PluginCheck func(ctx context.Context, b Block, r Resolved) Problems

// CheckDefaults checks the configuration that tenants inherit, with each plan and without a plan.
// A missing required key or an undefined prompt variable is no problem, because each tenant may
// add it. If nothing else is wrong, CheckDefaults asks the plugins of the blocks that miss no key, and
// reports what is wrong in keys that are set. A nil ask asks none. An error is [Problems] or the error
// of ctx.
func (h *Host) CheckDefaults(ctx context.Context, s Schemas, ask PluginCheck) error {
	c := defaultsCheck{host: h, schemas: s, ask: ask, asked: map[string]bool{}}
	base := h.inherited(ctx, s)
	problems := c.problems(ctx, base)
	for name := range h.plans {
		problems = append(problems, c.problems(ctx, h.planned(ctx, base, name, s))...)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return problems.err()
}

// defaultsCheck is one check of the configuration that tenants inherit.
type defaultsCheck struct {
	host    *Host
	schemas Schemas
	ask     PluginCheck
	asked   map[string]bool // blocks of which the plugins were asked, since plans share most of them
}

// problems returns the problems of the tenant keys in base.
func (c *defaultsCheck) problems(ctx context.Context, base *baseMerge) Problems {
	a := tenantMerge{host: c.host, base: base, layers: base.layersForTenant(ctx, c.schemas), partial: true}
	a.buildEffective()
	if len(a.problems) > 0 || c.ask == nil {
		return a.problems
	}
	for _, b := range a.effective.Blocks() {
		if b.Plugin == "" || a.incomplete[b.Path().key()] {
			continue
		}
		resolved, err := c.host.ResolveBlock(a.effective, b)
		if err != nil {
			continue // a secret was lost since the check of the keys; the next check says so
		}
		key := strings.Join([]string{b.Path().key(), b.Plugin, resolved.Egress.String(), string(resolved.Config)}, "\x00")
		if c.asked[key] {
			continue
		}
		c.asked[key] = true
		tree := checker{value: a.tree}
		for _, p := range c.ask(ctx, b, resolved) {
			// A key that no layer sets is for each tenant to set.
			if at := b.Path().with(p.Path...); len(p.Path) > 0 && tree.valueAt(at) != nil {
				a.addProblem(at, p.Message, p.Expected)
			}
		}
	}
	return a.problems
}
