package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// policyKey names the block tenant_policy, at the top of the host file and in the block of a
// plan.
const policyKey = "tenant_policy"

// everyMarked is the pattern that stands for all keys that schemas mark as settable by tenants.
const everyMarked = "*"

// policy says which keys a tenant may set in its own settings, and which plugins it may select.
type policy struct {
	keys    []string // patterns of the keys
	keysAt  provenance
	keysOf  string                // name of the plan that sets the keys; empty for the top-level block
	plugins map[string]selectable // by plugin kind
}

// selectable lists the plugins of one kind that a tenant may select, with the provenance of the
// list.
type selectable struct {
	names []string
	at    provenance
	of    string // name of the plan that sets the list; empty for the top-level block
	given bool
}

// readPolicies reads the policy of each plan, and the policy of tenants without a plan, from the
// host's layers. Each key that a plan's policy sets replaces the key of the top-level policy.
func (h *Host) readPolicies() {
	h.policies = map[string]*policy{"": h.policyOf("")}
	for name := range h.plans {
		h.policies[name] = h.policyOf(name)
	}
}

func (h *Host) policyOf(plan string) *policy {
	p := &policy{keys: []string{everyMarked}, keysAt: provenance{layer: builtIn}, plugins: map[string]selectable{}}
	roots := []Path{{policyKey}}
	if plan != "" {
		roots = append(roots, Path{planKey, plan, policyKey})
	}
	for i, root := range roots {
		of := ""
		if i > 0 {
			of = plan
		}
		var at any = h.hostMerge.tree
		for _, segment := range root {
			m, _ := at.(map[string]any)
			at = m[segment]
		}
		values, _ := at.(map[string]any)
		if _, given := values["keys"]; given {
			p.keys, p.keysAt, p.keysOf = textList(values["keys"]), h.hostMerge.provenance.nearest(root.with("keys")), of
		}
		plugins, _ := values["plugins"].(map[string]any)
		for kind := range plugins {
			p.plugins[kind] = selectable{
				names: textList(plugins[kind]), at: h.hostMerge.provenance.nearest(root.with("plugins", kind)), of: of, given: true,
			}
		}
	}
	return p
}

// textList returns the texts in a list, or nil if value is not a list.
func textList(value any) []string {
	list, _ := value.([]any)
	var out []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// policyProblems returns a problem for each invalid pattern in the policies.
func (h *Host) policyProblems() Problems {
	var problems Problems
	roots := []Path{{policyKey}}
	for _, name := range slices.Sorted(maps.Keys(h.plans)) {
		roots = append(roots, Path{planKey, name, policyKey})
	}
	for _, root := range roots {
		var at any = h.hostMerge.tree
		for _, segment := range root {
			m, _ := at.(map[string]any)
			at = m[segment]
		}
		values, _ := at.(map[string]any)
		keys, _ := values["keys"].([]any)
		for i, value := range keys {
			pattern, isText := value.(string)
			if !isText || pattern == everyMarked {
				continue // the schema reports the wrong type
			}
			if message, expected := wrongPattern(pattern); message != "" {
				problems = append(problems, h.hostMerge.problem(root.with("keys", strconv.Itoa(i)), message, expected))
			}
		}
	}
	return problems
}

// wrongPattern returns why a pattern of keys is invalid, as far as this can be known without a
// plugin's schema. The message is empty for a valid pattern.
func wrongPattern(pattern string) (message, expected string) {
	const forms = `a key such as "llm.model", "llm.*" or "*"`
	path := Path(strings.Split(strings.TrimSuffix(pattern, ".*"), "."))
	shown := strconv.Quote(pattern)
	if slices.ContainsFunc(path, func(segment string) bool { return checkKey(segment) != "" || strings.Contains(segment, "*") }) {
		return "is " + shown + ", which is no key", forms
	}
	at := tenantSchema().cursor()
	if path[0] == planKey {
		return "lists `plan`, which the operator alone names", ""
	}
	for i, segment := range path {
		if b, ok := blockOf(path[0]); ok && i == 1 {
			if segment == b.selector {
				return fmt.Sprintf("lists `%s.%s`, which selects a plugin", b.path, b.selector), fmt.Sprintf("the plugin below %s.plugins.%s", policyKey, b.kind)
			}
			if !b.isHosts(segment) {
				return "", "" // the key is the plugin's, so the tenant schema does not know it
			}
		}
		if i == len(fallbackPath()) && slices.Equal(path[:i], fallbackPath()) {
			return "lists " + shown + ", and a list is set as a whole", strconv.Quote(fallbackPath().String())
		}
		next, ok := at.key(segment)
		if !ok {
			message, expected := unknown("lists "+shown+", and there is no such key", segment, at.keys())
			return message, expected
		}
		at = next
	}
	return "", ""
}

// blockOf returns the description of the block at the top level with that key. It returns false if
// no block has the key.
func blockOf(key string) (block, bool) {
	all := append(slices.Clone(blocks), knowledge)
	i := slices.IndexFunc(all, func(b block) bool { return b.path[0] == key })
	if i < 0 {
		return block{}, false
	}
	return all[i], true
}
