package config

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk/egress"
)

// Effective is what a tenant's bot is made of: the merge of all layers, checked.
// It is not to be changed, may be used by any number of goroutines, and can be
// printed: its secrets cannot.
type Effective struct {
	Tenant string
	// Revision is a digest of all that follows, with references unresolved. It is
	// equal wherever the content is equal and the host's key is the same.
	Revision string
	Plan     string // key plan; empty for none. It is not in the revision
	LLM      Block  // kind "llm", key llm
	Memory   Block  // kind "memory", key memory
	Storage  Block  // kind "storage", key conversation_storage
	System   string // prompts.system, with its variables
	Limits   Limits
	// RetentionDays (key conversation_storage.retention_days) is after how many days
	// without a change a conversation is deleted; 0 is never. The plugin is not told.
	RetentionDays int
	// Owner (key conversations.owner) is whose a conversation is: OwnerUser or OwnerTenant.
	Owner string

	trace trace
}

// Values of conversations.owner.
const (
	OwnerUser   = "user"   // the user's with whom it was begun, or else the tenant's
	OwnerTenant = "tenant" // all users share it
)

// Block configures one plugin.
type Block struct {
	Kind, Plugin string
	// Config is the block without the host's keys in it and without the plugin's own
	// defaults. Secrets are a secret.Text or a [Reference]; [Host.Resolve] gives
	// the block as the plugin gets it.
	Config map[string]any
	// Egress is where the block's connections may lead: everywhere, unless the tenant's own
	// layer names an address in it.
	Egress egress.Policy
}

// HasReferences says whether the block has a secret that is elsewhere, so that
// what [Host.Resolve] gives can change without a new revision.
func (b Block) HasReferences() bool {
	found := false
	cursor{}.leaves(nil, b.Config, func(_ Path, value any, _ marks) {
		_, ok := value.(Reference)
		found = found || ok
	})
	return found
}

// Entry is one key of an effective configuration and where it was set. A list is
// one entry.
type Entry struct {
	Path   Path   // in the tenant's terms: without "defaults"
	Value  any    // a scalar, or a list; "<secret>" stands for every secret
	Layer  string // "built-in defaults", "host file", "overlay file", "environment", "plan", "tenant" or "tenant's own settings"
	Pos    Pos
	Secret bool
	// PerHost says that each host counts for itself: so many hosts let so many times as
	// much through.
	PerHost bool
	// Fell, unless empty, says why an inherited secret is not effective: a layer changed
	// where it would be sent. Value is nil then, and Layer and Pos are of that change.
	Fell string
	// May is what the tenant itself may do with the key, in its own settings: MaySet,
	// MayLower or MayNot.
	May string
	// Rule says why it may not, and Allow which line of the host file would let it; empty
	// where it may, and Allow also where no line would.
	Rule, Allow string
}

// Values of Entry.May.
const (
	MaySet   = "set"
	MayLower = "lower" // to at most what the operator's settings have
	MayNot   = "no"
)

// Explain gives every effective key, sorted by path. What a plugin's own defaults
// add is not known here. It merges the layers again, as they were.
func (e *Effective) Explain() []Entry {
	a := e.trace.merge()
	if a == nil {
		return nil
	}
	var entries []Entry
	for key, value := range a.tree {
		c, _ := tenantSchema().cursor().key(key)
		if schema := a.schemas[key]; schema != nil {
			c = schema.cursor()
		}
		a.explain(c, value, Path{key}, &entries)
	}
	a.stack.places.each(nil, func(path Path, p *place) {
		why := p.fell
		if why == nil {
			return
		}
		entries = append(entries, Entry{
			Path: path, Layer: why.layer.String(), Pos: why.pos, Secret: true, May: MayNot, // it is not there
			Fell: fmt.Sprintf("the %s changed `%s`, and has to bring a secret of its own", why.layer, Path{path[0]}.with(why.endpoint...)),
		})
	})
	slices.SortFunc(entries, func(x, y Entry) int { return strings.Compare(x.Path.key(), y.Path.key()) })
	return entries
}

// trace is what an effective configuration was made of, so that it can be made
// once more when somebody asks. Where each key is from is many times larger than
// the configuration itself, and is asked for rarely.
type trace struct {
	host  *Host
	base  *folded
	docs  Documents
	asked answers
}

// answers gives the schemas as they were when the configuration was checked.
type answers map[[2]string]answer

// Schema implements [Schemas].
func (a answers) Schema(_ context.Context, kind, name string) (*Schema, error) {
	if known, ok := a[[2]string{kind, name}]; ok {
		return known.schema, known.err
	}
	return nil, &UnknownPluginError{Kind: kind, Name: name}
}

// begin gives an assembly of what the tenant inherits, before any document of its own.
func (t trace) begin() *assembly {
	a := &assembly{host: t.host, base: t.base, docs: t.docs, effective: &Effective{}}
	a.stack = t.base.tenantStack(context.Background(), t.asked)
	return a
}

// load puts the tenant's documents on top, which were checked before.
func (a *assembly) load() {
	for _, d := range a.docs.layers() {
		a.stack.load(d.layer, d.doc)
	}
	a.look()
}

// look takes the tree and the schemas of the blocks from the stack as it is now.
func (a *assembly) look() {
	a.tree = a.stack.values.Raw()
	a.schemas = map[string]*Schema{}
	for _, b := range blocks {
		// It was checked: the schema is there.
		a.schemas[b.key], _ = a.stack.schema(b, plainText(a.stack.block(b, a.tree)[b.selector]))
	}
}

// merge gives an assembly with its tree, its schemas and its origins, or nil.
func (t trace) merge() *assembly {
	if t.host == nil {
		return nil // not made by Host.Tenant
	}
	a := t.begin()
	a.load()
	a.limits()
	return a
}

func (a *assembly) explain(c cursor, value any, path Path, entries *[]Entry) {
	if m, ok := value.(map[string]any); ok {
		for key, item := range m {
			next, _ := c.key(key)
			if len(path) == 1 && isHosts(path[0], key) {
				next, _ = tenantSchema().cursor().at(path.with(key), nil)
			}
			a.explain(next, item, path.with(key), entries)
		}
		return
	}
	from := a.stack.places.locate(path)
	rule := a.ruling(path, c.marks)
	e := Entry{May: rule.may(), Rule: rule.rule, Allow: rule.allow, Path: path, Layer: from.layer.String(), Pos: from.pos, PerHost: isPerHost(path)}
	e.Value = c.transform(value, path, func(path Path, value any, m marks) any {
		if _, text := value.(string); m.secret || text && a.isSealed(path) {
			e.Secret = true
			return secretPlaceholder
		}
		return value
	})
	*entries = append(*entries, e)
}

func isHosts(name, key string) bool {
	return slices.ContainsFunc(blocks, func(b block) bool { return b.key == name && b.isHosts(key) })
}

// String names the tenant and the revision.
func (e *Effective) String() string {
	return fmt.Sprintf("tenant %s at revision %s", e.Tenant, e.Revision)
}
