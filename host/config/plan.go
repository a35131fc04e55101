package config

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/botyard/botyard/host/bounds"
)

// planKey is the name of two keys: the block plan.NAME of the host file, and the key with which a
// tenant file names its plan.
const planKey = "plan"

// plan is a block plan.NAME of the host's layers. Its keys are inherited, on top of the defaults,
// by the tenants that name the plan.
type plan struct {
	name    string
	sources []source // lowest layer first; the root of their paths is the block of the plan
}

// planLayers maps each layer of the host to the layer of the plans in its document.
var planLayers = map[layer]layer{hostFile: planOfHostFile, overlayFile: planOfOverlay, environmentVariables: planOfEnvironment}

// readPlans sets h.plans to the plans in the host's layers.
func (h *Host) readPlans() {
	h.plans = map[string]*plan{}
	named, _ := h.hostMerge.tree[planKey].(map[string]any)
	for name := range named {
		p := &plan{name: name}
		for _, src := range h.sources {
			at, isPlan := planLayers[src.layer]
			if !isPlan {
				continue
			}
			all, one := src.doc.at(Path{planKey}), src.doc.at(Path{planKey, name})
			if all != nil && all.value == nil || one != nil && one.value == nil {
				p.sources = nil // a null removes the plan's keys of lower layers
			}
			if one != nil {
				p.sources = append(p.sources, source{at, src.doc.subDocument(Path{planKey, name}).without(policyKey, planKey)})
			}
		}
		h.plans[name] = p
	}
}

// planOf returns the name of the plan for a tenant with the given document of the operator, and
// the provenance of the name. The name is empty if the tenant has no plan, and also if the value
// is not a text, which the schema reports.
func (h *Host) planOf(operator *Document) (name string, at provenance) {
	if operator != nil && operator.at(Path{planKey}) != nil {
		name, _ = operator.at(Path{planKey}).value.(string)
		return name, provenance{pos: operator.Pos(Path{planKey}), layer: tenantLayer}
	}
	path := Path{defaultsKey, planKey}
	inherited, _ := h.hostMerge.tree[defaultsKey].(map[string]any)
	at = h.hostMerge.provenance.nearest(path)
	at.prefix = Path{defaultsKey}
	return plainText(inherited[planKey]), at
}

// unknownPlan returns the problem that no layer of the host has a plan with this name.
func (h *Host) unknownPlan(name string, at provenance) Problem {
	message, expected := unknown(fmt.Sprintf("no plan is named %q", name), name, slices.Collect(maps.Keys(h.plans)))
	if len(h.plans) == 0 {
		expected = fmt.Sprintf("plan %q { ... } in the host file", name)
	}
	return problemAt(at, Path{planKey}, message, expected)
}

// planned returns the merge of base and the named plan. All tenants of the plan share the last
// merge until base or a schema changes.
func (h *Host) planned(ctx context.Context, base *baseMerge, name string, schemas Schemas) *baseMerge {
	h.mu.Lock()
	lastBase := h.lastPlans[name]
	h.mu.Unlock()
	if lastBase != nil && lastBase.parent == base && lastBase.current(ctx, schemas) {
		return lastBase
	}
	s := base.layersForTenant(ctx, schemas)
	h.plans[name].load(s)
	f := s.baseMerge()
	f.root, f.parent = nil, base
	if ctx.Err() != nil {
		return f // do not store the merge: schemas may be missing because ctx ended
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lastPlans == nil {
		h.lastPlans = map[string]*baseMerge{}
	}
	h.lastPlans[name] = f
	return f
}

// load merges the keys of the plan into s, on top of the defaults.
func (p *plan) load(s *layers) {
	for _, src := range p.sources {
		s.loadAt(src.layer, src.doc, Path{planKey, p.name})
	}
}

// planProblems returns the problems of the plans that can be found without a plugin's schema.
func (h *Host) planProblems() Problems {
	var problems Problems
	if n := len(h.plans); n > bounds.MaxPlans {
		problems = append(problems, h.hostMerge.problem(Path{planKey}, fmt.Sprintf("has %d plans", n), fmt.Sprintf("at most %d", bounds.MaxPlans)))
	}
	for _, name := range slices.Sorted(maps.Keys(h.plans)) {
		values, _ := h.hostMerge.tree[planKey].(map[string]any)
		block, isMap := values[name].(map[string]any)
		if !isMap {
			continue // the check by the host schema reports the wrong type
		}
		if _, given := block[planKey]; given {
			problems = append(problems, h.hostMerge.problem(Path{planKey, name, planKey}, "a plan cannot name a plan", "its keys in this block"))
		}
		s := h.hostMerge.layersForTenant(context.Background(), nil)
		h.plans[name].load(s)
		problems = append(problems, s.inheritedProblems(s.values.Raw())...)
	}
	if name, at := h.planOf(nil); name != "" && h.plans[name] == nil {
		problems = append(problems, h.unknownPlan(name, at))
	}
	return problems
}
