package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// policyKey is the host's block tenant_policy, and that of a plan.
const policyKey = "tenant_policy"

// everyMarked is the pattern of all keys that schemas mark as the tenant's.
const everyMarked = "*"

// policy binds the settings that a tenant writes itself.
type policy struct {
	keys    []string // patterns
	keysAt  origin
	keysOf  string                // the plan whose block has them; empty for the host's
	plugins map[string]selectable // by kind
}

// selectable are the plugins of a kind that a tenant may select, and where they are listed.
type selectable struct {
	names []string
	at    origin
	of    string // the plan whose block has them; empty for the host's
	given bool
}

// readPolicies takes from the host's layers the policy of each plan, and that of tenants
// without one. A plan's own keys replace the host's, key by key.
func (h *Host) readPolicies() {
	h.policies = map[string]*policy{"": h.policyOf("")}
	for name := range h.plans {
		h.policies[name] = h.policyOf(name)
	}
}

func (h *Host) policyOf(plan string) *policy {
	p := &policy{keys: []string{everyMarked}, keysAt: origin{layer: builtIn}, plugins: map[string]selectable{}}
	roots := []Path{{policyKey}}
	if plan != "" {
		roots = append(roots, Path{planKey, plan, policyKey})
	}
	for i, root := range roots {
		of := ""
		if i > 0 {
			of = plan
		}
		var at any = h.own.tree
		for _, segment := range root {
			m, _ := at.(map[string]any)
			at = m[segment]
		}
		values, _ := at.(map[string]any)
		if _, given := values["keys"]; given {
			p.keys, p.keysAt, p.keysOf = textList(values["keys"]), h.own.places.locate(root.with("keys")), of
		}
		plugins, _ := values["plugins"].(map[string]any)
		for kind := range plugins {
			p.plugins[kind] = selectable{
				names: textList(plugins[kind]), at: h.own.places.locate(root.with("plugins", kind)), of: of, given: true,
			}
		}
	}
	return p
}

// textList returns the texts of a list; nil for what is no list.
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

// policyProblems checks the patterns of policies.
func (h *Host) policyProblems() Problems {
	var problems Problems
	roots := []Path{{policyKey}}
	for _, name := range slices.Sorted(maps.Keys(h.plans)) {
		roots = append(roots, Path{planKey, name, policyKey})
	}
	for _, root := range roots {
		var at any = h.own.tree
		for _, segment := range root {
			m, _ := at.(map[string]any)
			at = m[segment]
		}
		values, _ := at.(map[string]any)
		keys, _ := values["keys"].([]any)
		for i, value := range keys {
			pattern, isText := value.(string)
			if !isText || pattern == everyMarked {
				continue // a wrong type is reported
			}
			if message, expected := wrongPattern(pattern); message != "" {
				problems = append(problems, h.own.problem(root.with("keys", strconv.Itoa(i)), message, expected))
			}
		}
	}
	return problems
}

// wrongPattern says what is wrong with a pattern of keys, as far as that is known without
// the plugins.
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
				return fmt.Sprintf("lists `%s.%s`, which selects a plugin", b.key, b.selector), fmt.Sprintf("the plugin below %s.plugins.%s", policyKey, b.kind)
			}
			if !b.isHosts(segment) {
				return "", "" // its plugin knows
			}
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

// blockOf returns the block of a tenant's keys that has the name.
func blockOf(key string) (block, bool) {
	all := append(slices.Clone(blocks), knowledge)
	i := slices.IndexFunc(all, func(b block) bool { return b.key == key })
	if i < 0 {
		return block{}, false
	}
	return all[i], true
}

// ruling is what a policy says of a key.
type ruling struct {
	allowed bool
	lower   bool   // allowed to be at most what the operator's settings have
	rule    string // that forbids, with its place
	allow   string // what would allow
}

// may is what the tenant itself may do.
func (r ruling) may() string {
	switch {
	case r.allowed && r.lower:
		return MayLower
	case r.allowed:
		return MaySet
	}
	return MayNot
}

// ruling is what the tenant's policy says of a key of its effective configuration.
func (a *assembly) ruling(path Path, m marks) ruling {
	name, _ := a.tree[planKey].(string)
	p := a.host.policies[name]
	b, isBlock := blockOf(path[0])
	switch {
	case !isBlock || len(path) < 2:
		return p.key(path, m, "")
	case path[1] != b.selector:
		plugin := ""
		if !b.isHosts(path[1]) {
			plugin = plainText(a.stack.block(b, a.tree)[b.selector])
		}
		return p.key(path, m, plugin)
	case len(p.plugins[b.kind].names) > 0:
		return ruling{allowed: true}
	}
	return p.selector(b, "NAME")
}

// key rules on a key that is no selector. The block's plugin is named for the rule's text.
func (p *policy) key(path Path, m marks, plugin string) ruling {
	named := m.endpoint || m.author == byUnmarked || m.author == byOperator
	if p.lists(path, named) {
		return ruling{allowed: true, lower: m.author == byLower}
	}
	r := ruling{allow: line(p.keysOf, "keys = "+listed(p.keys, keyOf(path).String()))}
	switch {
	case path[0] == planKey:
		return ruling{rule: "a tenant's plan is the operator's to name (built-in rule)"}
	case m.endpoint:
		r.rule = "it says where secrets are sent" + p.unnamed()
	case named && plugin != "" && m.author == byUnmarked:
		r.rule = fmt.Sprintf("the plugin %s does not mark it as the tenant's", plugin) + p.unnamed()
	case named:
		r.rule = "it is the operator's" + p.unnamed()
	default:
		r.rule = "tenant_policy.keys does not list it (" + p.keysAt.pos.String() + ")"
	}
	return r
}

// unnamed ends the rule of a key that has to be listed by its own name.
func (p *policy) unnamed() string {
	where := p.keysAt.pos.String()
	if p.keysAt.layer == builtIn {
		where = "built-in rule"
	}
	return ", and tenant_policy.keys does not name it (" + where + ")"
}

// lists reports whether a pattern covers the key: by its name, or that of what it is in,
// and unless it has to be named by one that ends in a star.
func (p *policy) lists(path Path, named bool) bool {
	return slices.ContainsFunc(p.keys, func(pattern string) bool {
		if pattern == everyMarked {
			return !named
		}
		prefix, open := strings.CutSuffix(pattern, ".*")
		_, below := path.below(strings.Split(prefix, "."))
		return below && (!open || !named)
	})
}

// selector rules on the plugin that a tenant's own settings select for a block.
func (p *policy) selector(b block, name string) ruling {
	s := p.plugins[b.kind]
	if slices.Contains(s.names, name) {
		return ruling{allowed: true}
	}
	r := ruling{allow: line(s.of, fmt.Sprintf("plugins = { %s = %s }", b.kind, listed(s.names, name)))}
	if s.given {
		r.rule = fmt.Sprintf("tenant_policy.plugins.%s does not list it (%s)", b.kind, s.at.pos)
	} else {
		r.rule = fmt.Sprintf("tenant_policy.plugins lists no %s plugin that a tenant may select (built-in rule)", b.kind)
	}
	return r
}

// line is what to write into the host file, in HCL: into the block of a plan, or the host's.
func line(plan, what string) string {
	line := policyKey + " { " + what + " }"
	if plan != "" {
		line = fmt.Sprintf("plan %q { %s }", plan, line)
	}
	return line
}

// mostListed is how many names a line repeats.
const mostListed = 20

func listed(names []string, more string) string {
	var quoted []string
	if len(names) > mostListed {
		quoted = append(quoted, "...")
	} else {
		for _, name := range names {
			quoted = append(quoted, strconv.Quote(name))
		}
	}
	return "[" + strings.Join(append(quoted, strconv.Quote(more)), ", ") + "]"
}

// keyOf returns the path without what is in a list: a list is set as a whole.
func keyOf(path Path) Path {
	for i, segment := range path {
		if _, err := strconv.Atoi(segment); err == nil && i > 0 {
			return path[:i]
		}
	}
	return path
}
