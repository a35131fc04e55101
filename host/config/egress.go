package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/botyard/botyard/sdk/egress"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// egressKey names the block of the host file that says which addresses tenants' own settings may
// contain.
const egressKey = "egress"

// readEgress builds the egress policy from the block egress of the host file. It returns a
// problem for each invalid entry of egress.allow.
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
	return problems // the schema reports all other mistakes
}

// Egress returns the policy for the addresses in tenants' own settings.
func (h *Host) Egress() egress.Policy { return h.egress }

// egress returns the egress policy for a block's connections. It adds a problem for each IP
// address in the block that the policy refuses. It looks up no names; [Host.CheckDestinations]
// does that.
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

// refused returns the problem of a forbidden address. If the tenant inherits the key with the
// address, the problem names ownKey, the tenant's own key because of which the policy applies.
func (a *tenantMerge) refused(destination Destination, ownKey Path, r *egress.Refusal) Problem {
	path := destination.Path
	if !destination.own {
		path = ownKey
	}
	return a.layers.problem(path, destination.message(r), destination.expected(a.host.egress, r))
}

// ownAddress returns the key by which the tenant's own settings decide an address of a block: a
// key that sets an address, or a removed key whose removal makes another address effective. It
// returns nil if there is no such key. A value that equals the plugin's default does not count.
func (a *tenantMerge) ownAddress(b block, schema *Schema, config map[string]any) Path {
	var found Path
	root := b.path
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

// isDefault reports whether the value is a text that equals the default of the key.
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

// leadsWithoutDefault reports whether the key, or a key below it, names an address and has no
// default. It returns true when depth levels were searched without a result.
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
