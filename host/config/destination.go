package config

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/egress"
)

// Destination is a key of a tenant's configuration that names an address, in a block to which the
// host's rule for addresses applies.
type Destination struct {
	Kind, Plugin string // the block's kind and plugin
	Path         Path
	Pos          Pos
	Targets      []egress.Target
	secret       bool
	own          bool // set by the tenant's own layer
}

// message returns the message of a refusal, without any text of a secret.
func (l Destination) message(r *egress.Refusal) string {
	if !l.secret {
		return r.Error()
	}
	if !r.Addr.IsValid() {
		return "leads to " + r.Why + ", and that is not allowed here"
	}
	return "leads to " + r.Addr.String() + ", " + r.Why + ", and that is not allowed here"
}

// expected returns what would be right, and the line of the host file that would allow what is
// there.
func (l Destination) expected(rule egress.Policy, r *egress.Refusal) string {
	expected := "a public address"
	if rule.Mode() == egress.None {
		expected = "an address that the operator allows"
	}
	if l.secret && !r.Addr.IsValid() {
		return expected
	}
	return expected + ", or in the host file: " + r.Line()
}

// lookupTimeout bounds the lookups of all names of one tenant's configuration together.
const lookupTimeout = 2 * time.Second

// lookups bounds the lookups that run at once: each running lookup holds one element.
var lookups = make(chan struct{}, bounds.LookupsAtOnce)

// CheckDestinations looks up the names in the addresses that the tenant's own layer decides. It
// returns a problem for each name that resolves to an address that is not allowed.
//
// It does not check three things, which are checked when a connection is made: a name that
// cannot be looked up in time, names after the first [bounds.Lookups], and the addresses of a
// plugin that uses a proxy.
func (h *Host) CheckDestinations(ctx context.Context, e *Effective) Problems {
	destinations := e.Destinations()
	if len(destinations) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	var problems Problems
	looked := 0
	for _, destination := range destinations {
		if h.isProxied(destination) {
			continue
		}
		for _, t := range destination.Targets {
			if strings.HasPrefix(t.Host, "/") {
				continue // the path of a socket was checked together with the configuration
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
				problems = append(problems, Problem{Pos: destination.Pos, Path: destination.Path, Message: destination.message(refused), Expected: destination.expected(h.egress, refused)})
			}
		}
	}
	return problems
}

// isProxied reports whether the operator gives the plugin a proxy.
func (h *Host) isProxied(l Destination) bool {
	return slices.ContainsFunc(h.Settings.Plugin(l.Kind, l.Plugin).Env, func(name string) bool {
		switch strings.ToUpper(name) {
		case "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY":
			return h.environ[name] != ""
		}
		return false
	})
}

// maxDestinations bounds how many addresses of one block are checked.
const maxDestinations = 64

// destinations returns the addresses that the texts of a block name.
func (a *tenantMerge) destinations(b block, schema *Schema, config map[string]any) []Destination {
	var out []Destination
	root := Path{b.key}
	schema.cursor().leaves(nil, config, func(path Path, value any, m marks) {
		text, ok := value.(string)
		if !ok || !m.address || isReference(text) || len(out) >= maxDestinations {
			return
		}
		if m.secret && !strings.ContainsAny(text, "=:") {
			return // a secret that is no URL and no list of words names no address
		}
		full := root.with(path...)
		from := a.layers.provenance.nearest(full)
		if targets := egress.Targets(text); len(targets) > 0 {
			out = append(out, Destination{
				Kind: b.kind, Plugin: plainText(a.layers.block(b, a.tree)[b.selector]), Path: full, Pos: from.pos,
				Targets: targets, secret: m.secret, own: from.layer == ownLayer,
			})
		}
	})
	return out
}

// Destinations returns the addresses that the tenant's blocks name, of those blocks to which the
// host's rule applies. A reference names none.
func (e *Effective) Destinations() []Destination {
	if !e.LLM.Egress.Restricts() && !e.Memory.Egress.Restricts() && !e.Storage.Egress.Restricts() {
		return nil
	}
	a := e.inputs.merge()
	if a == nil {
		return nil
	}
	var out []Destination
	for i, block := range []Block{e.LLM, e.Memory, e.Storage} {
		b := blocks[i]
		if schema := a.schemas[b.key]; schema != nil && block.Egress.Restricts() {
			config, _ := a.tree[b.key].(map[string]any)
			config = b.plugins(config)
			ownKey := a.ownAddress(b, schema, config)
			for _, destination := range a.destinations(b, schema, config) {
				if !destination.own && ownKey != nil { // the tenant is not told where the operator's key is
					destination.Path, destination.Pos = ownKey, a.layers.provenance.nearest(ownKey).pos
				}
				out = append(out, destination)
			}
		}
	}
	return out
}
