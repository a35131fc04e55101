package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ruling says whether a policy lets the tenant set a key. If not, it also says why.
type ruling struct {
	allowed bool
	lower   bool   // allowed up to the value in the operator's settings
	rule    string // the rule that forbids the change
	at      string // the position of the rule, or builtInRule
	allow   string // the line of the host file that would allow the change
}

// builtInRule stands for the position of a rule that is built into the host, and is in no file.
const builtInRule = "built-in rule"

// text returns the rule with its position, or "" if no rule forbids the change.
func (r ruling) text() string {
	if r.rule == "" {
		return ""
	}
	return r.rule + " (" + r.at + ")"
}

// forTenant returns the rule as the tenant may see it: without a position in the operator's files.
func (r ruling) forTenant() string {
	if r.at == builtInRule {
		return r.text()
	}
	return r.rule
}

// may returns the ruling as a value of Entry.May.
func (r ruling) may() string {
	switch {
	case r.allowed && r.lower:
		return MayLower
	case r.allowed:
		return MaySet
	}
	return MayNot
}

// ruling returns the ruling of the tenant's policy on a key of its effective configuration.
func (a *tenantMerge) ruling(path Path, m marks) ruling {
	name, _ := a.tree[planKey].(string)
	p := a.host.policies[name]
	b, isBlock := blockAt(a.blocks, path)
	if !isBlock {
		b, isBlock = blockOf(path[0])
	}
	at := len(b.path)
	switch {
	case !isBlock || len(path) <= at:
		return p.key(path, m, "")
	case path[at] != b.selector:
		plugin := ""
		if !b.isHosts(path[at]) {
			plugin = plainText(a.layers.block(b, a.tree)[b.selector])
		}
		return p.key(path, m, plugin)
	case len(p.plugins[b.kind].names) > 0:
		return ruling{allowed: true}
	}
	return p.selector(b, "NAME")
}

// key returns the ruling on a key that is not a selector. plugin is the plugin whose block has
// the key; the text of the rule names it.
func (p *policy) key(path Path, m marks, plugin string) ruling {
	named := m.endpoint || m.author == byUnmarked || m.author == byOperator
	if p.lists(path, named) {
		return ruling{allowed: true, lower: m.author == byLower}
	}
	r := ruling{at: p.keysAt.pos.String(), allow: line(p.keysOf, "keys = "+listed(p.keys, keyOf(path).String()))}
	if named && p.keysAt.layer == builtIn {
		r.at = builtInRule
	}
	// unnamed is the end of the rule for a key that the policy must list by its full name.
	const unnamed = ", and tenant_policy.keys does not name it"
	switch {
	case path[0] == planKey:
		return ruling{rule: "a tenant's plan is the operator's to name", at: builtInRule}
	case m.endpoint:
		r.rule = "it says where secrets are sent" + unnamed
	case named && plugin != "" && m.author == byUnmarked:
		r.rule = fmt.Sprintf("the plugin %s does not mark it as the tenant's", plugin) + unnamed
	case named:
		r.rule = "it is the operator's" + unnamed
	default:
		r.rule = "tenant_policy.keys does not list it"
	}
	return r
}

// lists reports whether a pattern of the policy matches the key by its name or by the name of a
// block around it. If named is true, a pattern that ends in a star does not count.
func (p *policy) lists(path Path, named bool) bool {
	return slices.ContainsFunc(p.keys, func(pattern string) bool {
		if pattern == everyMarked {
			return !named
		}
		prefix, open := strings.CutSuffix(pattern, ".*")
		_, below := path.relativeTo(strings.Split(prefix, "."))
		return below && (!open || !named)
	})
}

// selector returns the ruling on selecting the named plugin for a block.
func (p *policy) selector(b block, name string) ruling {
	s := p.plugins[b.kind]
	if slices.Contains(s.names, name) {
		return ruling{allowed: true}
	}
	r := ruling{allow: line(s.of, fmt.Sprintf("plugins = { %s = %s }", b.kind, listed(s.names, name)))}
	if s.given {
		r.rule, r.at = fmt.Sprintf("tenant_policy.plugins.%s does not list it", b.kind), s.at.pos.String()
	} else {
		r.rule, r.at = fmt.Sprintf("tenant_policy.plugins lists no %s plugin that a tenant may select", b.kind), builtInRule
	}
	return r
}

// line returns the HCL line for the host file that puts what into tenant_policy, inside the block
// of the plan if plan is not empty.
func line(plan, what string) string {
	line := policyKey + " { " + what + " }"
	if plan != "" {
		line = fmt.Sprintf("plan %q { %s }", plan, line)
	}
	return line
}

// mostListed is the maximum number of existing names that listed repeats.
const mostListed = 20

// listed returns an HCL list of the names, with more appended.
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
