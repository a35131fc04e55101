package config

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/egress"
)

// Destination is a key of a tenant's configuration that names a network address. Only blocks to
// which the egress policy of the host applies have destinations.
type Destination struct {
	Kind, Plugin string // kind and name of the block's plugin
	Path         Path
	Pos          Pos
	Targets      []egress.Target
	secret       bool
	own          bool // the tenant's own settings set the key
}

// message returns the text of a refusal. It contains no part of a secret.
func (l Destination) message(r *egress.Refusal) string {
	if !l.secret {
		return r.Error()
	}
	if !r.Addr.IsValid() {
		return "leads to " + r.Why + ", and that is not allowed here"
	}
	return "leads to " + r.Addr.String() + ", " + r.Why + ", and that is not allowed here"
}

// expected returns what a correct address would be, and the line of the host file that would
// allow the refused address.
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

// lookupTimeout is the time limit for all name lookups of one tenant's configuration together.
const lookupTimeout = 2 * time.Second

// lookups is a semaphore that bounds concurrent name lookups. Each running lookup holds one
// element.
var lookups = make(chan struct{}, bounds.LookupsAtOnce)

// CheckDestinations looks up the names in the addresses that the tenant's own settings decide. It
// returns a problem for each name that resolves to an address that the egress policy forbids.
//
// The egress dialer checks three things only when a plugin connects: names whose lookup exceeds
// lookupTimeout, names after the first [bounds.Lookups], and the addresses of a plugin that uses
// a proxy.
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
				continue // the path of a unix socket was checked together with the configuration
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

// isProxied reports whether the operator passes a proxy variable, such as HTTPS_PROXY, to the
// plugin.
func (h *Host) isProxied(l Destination) bool {
	return slices.ContainsFunc(h.Settings.Plugin(l.Kind, l.Plugin).Env, func(name string) bool {
		switch strings.ToUpper(name) {
		case "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY":
			return h.environ[name] != ""
		}
		return false
	})
}

// maxDestinations is the maximum number of addresses of one block that are checked.
const maxDestinations = 64

// destinations returns the addresses in the texts of a block.
func (a *tenantMerge) destinations(b block, schema *Schema, config map[string]any) []Destination {
	var out []Destination
	root := b.path
	schema.cursor().leaves(nil, config, func(path Path, value any, m marks) {
		text, ok := value.(string)
		if !ok || !m.address || isReference(text) || len(out) >= maxDestinations {
			return
		}
		if m.secret && !strings.ContainsAny(text, "=:") {
			return // a secret without "=" and ":" is no URL and no list of settings, so it has no address
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

// Destinations returns the addresses in those blocks of the tenant to which the egress policy of
// the host applies. References are left out, because their texts are not resolved here.
func (e *Effective) Destinations() []Destination {
	if !slices.ContainsFunc(e.Blocks(), func(b Block) bool { return b.Egress.Restricts() }) {
		return nil
	}
	a := e.inputs.merge()
	if a == nil {
		return nil
	}
	var out []Destination
	for _, block := range e.Blocks() {
		b, _ := blockAt(a.blocks, block.Path())
		if schema := a.schemas[b.path.key()]; schema != nil && block.Egress.Restricts() {
			config := b.plugins(schema.own(mapAt(a.tree, b.path)))
			ownKey := a.ownAddress(b, schema, config)
			for _, destination := range a.destinations(b, schema, config) {
				if !destination.own && ownKey != nil { // report the tenant's own key, because a tenant may not learn the position of the operator's key
					destination.Path, destination.Pos = ownKey, a.layers.provenance.nearest(ownKey).pos
				}
				out = append(out, destination)
			}
		}
	}
	return out
}
