package config

import (
	"slices"
)

// tenantMerge checks the merged layers of a tenant, collects the problems and builds the
// Effective. It is not safe for concurrent use.
type tenantMerge struct {
	host     *Host
	base     *baseMerge
	docs     Documents // the tenant's documents; empty if partial is set
	layers   *layers
	tenant   string
	partial  bool // a layer may still be merged on top, so a missing key is no problem
	problems Problems

	tree       map[string]any
	incomplete map[string]bool    // blocks of a partial merge that miss a required key, by the Path.key of the block
	blocks     []block            // the blocks of tree, with the fallback blocks and the nested blocks
	schemas    map[string]*Schema // schemas of the blocks, by the Path.key of the block
	effective  *Effective         // allocated on its own, so that the merge can be freed
}

// addProblem adds a problem of the key at path, with the position of the key.
func (a *tenantMerge) addProblem(path Path, message, expected string) {
	a.problems = append(a.problems, a.layers.problem(path, message, expected))
}

// buildEffective checks the merge and returns the effective configuration. It returns nil if
// there are problems, and if the merge is partial.
func (a *tenantMerge) buildEffective() *Effective {
	a.tree = a.layers.values.Raw()
	a.schemas = map[string]*Schema{}
	a.effective = &Effective{Tenant: a.tenant}
	a.effective.Plan, _ = a.tree[planKey].(string)

	a.problems = append(a.problems, a.layers.schemaProblems(nil, tenantSchema().check(a.tree))...)
	a.problems = append(a.problems, a.layers.unknownNulls(nil, tenantSchema(), a.tree, nil)...)
	for i, into := range []*Block{&a.effective.LLM, &a.effective.Memory, &a.effective.Storage} {
		if a.layers.ctx.Err() != nil {
			return nil // the caller no longer waits for the result
		}
		*into = a.block(blocks[i])
	}
	a.fallback()
	a.retention()
	a.owner()
	a.knowledge()
	a.strayReferences()
	a.prompts()
	a.limits()
	if len(a.problems) > 0 || a.partial {
		return nil
	}
	a.effective.inputs = inputs{host: a.host, base: a.base, docs: a.docs, snapshot: a.base.snapshot}
	for id, known := range a.layers.snapshot {
		if a.base.snapshot[id].schema != known.schema {
			a.effective.inputs.snapshot = a.layers.snapshot
		}
	}
	a.effective.Revision = a.effective.revision(a.host.sealer)
	return a.effective
}

// knowledge adds a problem if the tenant configures a knowledge plugin, because none exists yet.
// The host does not ignore such settings.
func (a *tenantMerge) knowledge() {
	config, _ := a.tree[knowledge.path[0]].(map[string]any)
	enabled, isBool := config["enabled"].(bool)
	const message, expected = "no knowledge plugin exists yet", "enabled = false"
	switch {
	case enabled:
		a.addProblem(Path{knowledge.path[0], "enabled"}, message, "false")
	case !isBool && config["enabled"] == nil && len(config) > 0:
		a.addProblem(Path{knowledge.path[0]}, message, expected)
	}
}

// strayReferences adds a problem for each reference outside of the plugins' blocks, where no key
// is a secret.
func (a *tenantMerge) strayReferences() {
	for key, value := range a.tree {
		if slices.ContainsFunc(blocks, func(b block) bool { return b.path[0] == key }) {
			continue
		}
		cursor{}.leaves(Path{key}, value, func(path Path, value any, _ marks) {
			if message, expected, stray := strayReference(value); stray {
				a.addProblem(path, message, expected)
			}
		})
	}
}

// owner sets Effective.Owner from conversations.owner, whose value the tenant schema has already
// checked. If a null removed the key, the default applies.
func (a *tenantMerge) owner() {
	conversations, _ := a.tree["conversations"].(map[string]any)
	a.effective.Owner = OwnerUser
	if conversations["owner"] == OwnerTenant {
		a.effective.Owner = OwnerTenant
	}
}
