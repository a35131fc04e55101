package config

import (
	"context"
)

// trace is what an effective configuration was made of, so that it can be made
// once more when somebody asks. Where each key is from is many times larger than
// the configuration itself, and is asked for rarely.
type inputs struct {
	host     *Host
	base     *baseMerge
	docs     Documents
	snapshot schemaSnapshot
}

// begin gives an assembly of what the tenant inherits, before any document of its own.
func (t inputs) begin() *tenantMerge {
	a := &tenantMerge{host: t.host, base: t.base, docs: t.docs, effective: &Effective{}}
	a.layers = t.base.layersForTenant(context.Background(), t.snapshot)
	return a
}

// load puts the tenant's documents on top, which were checked before.
func (a *tenantMerge) load() {
	for _, d := range a.docs.sources() {
		a.layers.load(d.layer, d.doc)
	}
	a.readLayers()
}

// look takes the tree and the schemas of the blocks from the stack as it is now.
func (a *tenantMerge) readLayers() {
	a.tree = a.layers.values.Raw()
	a.schemas = map[string]*Schema{}
	for _, b := range blocks {
		// It was checked: the schema is there.
		a.schemas[b.key], _ = a.layers.schema(b, plainText(a.layers.block(b, a.tree)[b.selector]))
	}
}

// merge gives an assembly with its tree, its schemas and its origins, or nil.
func (t inputs) merge() *tenantMerge {
	if t.host == nil {
		return nil // not made by Host.Tenant
	}
	a := t.begin()
	a.load()
	a.limits()
	return a
}
