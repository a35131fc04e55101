package config

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/botyard/botyard/host/bounds"
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
				problems = append(problems, h.own.problem(Path{egressKey, "allow", strconv.Itoa(wrong.Index)}, message, expected))
			}
		}
	}
	return problems // what else is wrong the schema says
}

// Egress returns the rule for what tenants' own layers name.
func (h *Host) Egress() egress.Policy { return h.egress }

// Lead is a key of a tenant's configuration that names an address, in a block to which the
// host's rule for addresses applies.
type Lead struct {
	Kind, Plugin string // whose block it is in
	Path         Path
	Pos          Pos
	Targets      []egress.Target
	secret       bool
	own          bool // set by the tenant's own layer
}

// egress returns the rule for a block's connections, and refuses what is written out in it and
// may not be led to. Names are for who looks them up; see [Effective.Leads].
func (a *assembly) egress(b block, schema *Schema, config map[string]any) egress.Policy {
	if !a.host.egress.Restricts() {
		return egress.Policy{}
	}
	named := a.ownAddress(b, schema, config)
	if named == nil {
		return egress.Policy{}
	}
	for _, lead := range a.leads(b, schema, config) {
		for _, t := range lead.Targets {
			refused := egress.Of(a.host.dialer.CheckLiteral(t.Host, t.Port))
			if refused == nil {
				continue
			}
			a.problems = append(a.problems, a.refused(lead, named, refused))
		}
	}
	return a.host.egress
}

// refused is the problem of a key that leads where it may not. What the tenant inherits is
// the problem of the key of its own that made the rule apply.
func (a *assembly) refused(lead Lead, named Path, r *egress.Refusal) Problem {
	path := lead.Path
	if !lead.own {
		path = named
	}
	return a.stack.problem(path, lead.words(r), lead.expected(a.host.egress, r))
}

// words are a refusal without any text of a secret.
func (l Lead) words(r *egress.Refusal) string {
	if !l.secret {
		return r.Error()
	}
	if !r.Addr.IsValid() {
		return "leads to " + r.Why + ", and that is not allowed here"
	}
	return "leads to " + r.Addr.String() + ", " + r.Why + ", and that is not allowed here"
}

// expected is what would be right, with the line that makes what is there right.
func (l Lead) expected(rule egress.Policy, r *egress.Refusal) string {
	expected := "a public address"
	if rule.Mode() == egress.None {
		expected = "an address that the operator allows"
	}
	if l.secret && !r.Addr.IsValid() {
		return expected
	}
	return expected + ", or in the host file: " + r.Line()
}

// lookupTimeout bounds the look for all names of one tenant's configuration.
const lookupTimeout = 2 * time.Second

// lookups are those that may be under way at once.
var lookups = make(chan struct{}, bounds.LookupsAtOnce)

// CheckLeads looks up the names that the tenant's own layer leads to, and returns the problems
// of those that lead where they may not. A name that cannot be looked up, in time or at
// all, is no problem: whoever connects judges it. The same holds for names after the
// first so many, and of a plugin that reaches them through a proxy, which judges them.
func (h *Host) CheckLeads(ctx context.Context, e *Effective) Problems {
	leads := e.Leads()
	if len(leads) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	var problems Problems
	looked := 0
	for _, lead := range leads {
		if h.isProxied(lead) {
			continue
		}
		for _, t := range lead.Targets {
			if strings.HasPrefix(t.Host, "/") {
				continue // judged as it is written
			}
			if looked++; looked > bounds.Lookups {
				return problems
			}
			select {
			case lookups <- struct{}{}:
			case <-ctx.Done():
				return problems
			}
			_, err := h.dialer.Resolve(ctx, t.Host, t.Port)
			<-lookups
			if refused := egress.Of(err); refused != nil {
				problems = append(problems, Problem{Pos: lead.Pos, Path: lead.Path, Message: lead.words(refused), Expected: lead.expected(h.egress, refused)})
			}
		}
	}
	return problems
}

// isProxied reports whether the operator gives the plugin a proxy.
func (h *Host) isProxied(l Lead) bool {
	return slices.ContainsFunc(h.Settings.Plugin(l.Kind, l.Plugin).Env, func(name string) bool {
		switch strings.ToUpper(name) {
		case "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY":
			return h.environ[name] != ""
		}
		return false
	})
}

// ownAddress finds an address that the tenant's own layer names in a block, or takes away so
// that another one counts; nil if there is none. A plugin's default is the operator's,
// whoever writes it.
func (a *assembly) ownAddress(b block, schema *Schema, config map[string]any) Path {
	var found Path
	root := Path{b.key}
	schema.cursor().leaves(nil, config, func(path Path, value any, m marks) {
		if found != nil || !m.address || a.stack.places.locate(root.with(path...)).layer != ownLayer {
			return
		}
		if at, ok := schema.cursor().at(path, config); !ok || !at.isDefault(value) {
			found = root.with(path...)
		}
	})
	if at := a.stack.places.find(root); at != nil && found == nil {
		at.each(nil, func(path Path, p *place) {
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

// maxLeads bounds the addresses that are looked at in one block.
const maxLeads = 64

// leads returns what the keys of a block lead to, as far as their texts say it.
func (a *assembly) leads(b block, schema *Schema, config map[string]any) []Lead {
	var out []Lead
	root := Path{b.key}
	schema.cursor().leaves(nil, config, func(path Path, value any, m marks) {
		text, ok := value.(string)
		if !ok || !m.address || isReference(text) || len(out) >= maxLeads {
			return
		}
		if m.secret && !strings.ContainsAny(text, "=:") {
			return // no form of an address, and nothing to be repeated
		}
		full := root.with(path...)
		from := a.stack.places.locate(full)
		if targets := egress.Targets(text); len(targets) > 0 {
			out = append(out, Lead{
				Kind: b.kind, Plugin: plainText(a.stack.block(b, a.tree)[b.selector]), Path: full, Pos: from.pos,
				Targets: targets, secret: m.secret, own: from.layer == ownLayer,
			})
		}
	})
	return out
}

// Leads returns what the keys of the tenant's blocks lead to, of those blocks to which the
// host's rule applies. What is a reference has no text and is not among them.
func (e *Effective) Leads() []Lead {
	if !e.LLM.Egress.Restricts() && !e.Memory.Egress.Restricts() && !e.Storage.Egress.Restricts() {
		return nil
	}
	a := e.trace.merge()
	if a == nil {
		return nil
	}
	var out []Lead
	for i, block := range []Block{e.LLM, e.Memory, e.Storage} {
		b := blocks[i]
		if schema := a.schemas[b.key]; schema != nil && block.Egress.Restricts() {
			config, _ := a.tree[b.key].(map[string]any)
			config = b.plugins(config)
			named := a.ownAddress(b, schema, config)
			for _, lead := range a.leads(b, schema, config) {
				if !lead.own && named != nil { // inherited, and its place is nobody's business here
					lead.Path, lead.Pos = named, a.stack.places.locate(named).pos
				}
				out = append(out, lead)
			}
		}
	}
	return out
}
