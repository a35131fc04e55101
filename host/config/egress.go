package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/botyard/botyard/sdk/egress"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// egressKey is the host's block egress: where what tenants' own layers name may lead.
const egressKey = "egress"

// readEgress reads the rule, and says what is wrong with its list.
func (h *Host) readEgress(dialing ...egress.Option) Problems {
	rule, err := egress.New(egress.Mode(h.Settings.Egress.Tenants), h.Settings.Egress.Allow)
	h.egress, h.dialer = rule, egress.NewDialer(rule, dialing...)
	var problems Problems
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			var wrong *egress.EntryError
			if errors.As(err, &wrong) {
				message, expected, _ := strings.Cut(wrong.Reason, "expected ")
				message = strings.TrimSuffix(strings.TrimSpace(message), ";")
				if message == "" {
					message = "is no address"
				}
				problems = append(problems, h.hostMerge.problem(Path{egressKey, "allow", strconv.Itoa(wrong.Index)}, message, expected))
			}
		}
	}
	return problems // what else is wrong the schema says
}

// Egress returns the rule for what tenants' own layers name.
func (h *Host) Egress() egress.Policy { return h.egress }

// egress returns the rule for a block's connections, and refuses what is written out in it and
// may not be led to. Names are for who looks them up; see [Effective.Leads].
func (a *tenantMerge) egress(b block, schema *Schema, config map[string]any) egress.Policy {
	if !a.host.egress.Restricts() {
		return egress.Policy{}
	}
	ownKey := a.ownAddress(b, schema, config)
	if ownKey == nil {
		return egress.Policy{}
	}
	for _, destination := range a.destinations(b, schema, config) {
		for _, t := range destination.Targets {
			refused := egress.Of(a.host.dialer.CheckLiteral(t.Host, t.Port))
			if refused == nil {
				continue
			}
			a.problems = append(a.problems, a.refused(destination, ownKey, refused))
		}
	}
	return a.host.egress
}

// refused is the problem of a key that leads where it may not. What the tenant inherits is
// the problem of the key of its own that made the rule apply.
func (a *tenantMerge) refused(destination Destination, ownKey Path, r *egress.Refusal) Problem {
	path := destination.Path
	if !destination.own {
		path = ownKey
	}
	return a.layers.problem(path, destination.words(r), destination.expected(a.host.egress, r))
}

// ownAddress finds an address that the tenant's own layer names in a block, or takes away so
// that another one counts; nil if there is none. A plugin's default is the operator's,
// whoever writes it.
func (a *tenantMerge) ownAddress(b block, schema *Schema, config map[string]any) Path {
	var found Path
	root := Path{b.key}
	schema.cursor().leaves(nil, config, func(path Path, value any, m marks) {
		if found != nil || !m.address || a.layers.provenance.nearest(root.with(path...)).layer != ownLayer {
			return
		}
		if at, ok := schema.cursor().at(path, config); !ok || !at.isDefault(value) {
			found = root.with(path...)
		}
	})
	if at := a.layers.provenance.find(root); at != nil && found == nil {
		at.each(nil, func(path Path, p *provenanceTree) {
			if len(path) == 0 || p.removed == nil || p.removed.layer != ownLayer {
				return
			}
			if c, ok := schema.cursor().at(path, nil); !ok || c.leadsWithoutDefault(maxDepth) {
				if full := root.with(path...); found == nil || full.key() < found.key() {
					found = full
				}
			}
		})
	}
	return found
}

// isDefault reports whether the value is the one that the schema has for a key that is not
// given.
func (c cursor) isDefault(value any) bool {
	for _, s := range c.schemas {
		if s.Default != nil {
			text, isText := value.(string)
			byDefault, same := (*s.Default).(string)
			return isText && same && text == byDefault
		}
	}
	return false
}

// leadsWithoutDefault reports whether the key, or one below it, names an address and has no
// default.
func (c cursor) leadsWithoutDefault(depth int) bool {
	if depth == 0 {
		return true
	}
	if keys := c.keys(); len(keys) > 0 {
		return slices.ContainsFunc(keys, func(key string) bool {
			next, _ := c.key(key)
			return next.leadsWithoutDefault(depth - 1)
		})
	}
	return c.marks.address && !slices.ContainsFunc(c.schemas, func(s *jsonschema.Schema) bool { return s.Default != nil })
}
