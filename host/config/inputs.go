package config

import (
	"context"
)

// inputs are what an effective configuration was made of. The merge is made again from them when
// somebody asks for provenance. Provenance is much larger than the configuration, and few ask for
// it.
type inputs struct {
	host     *Host
	base     *baseMerge
	docs     Documents
	snapshot schemaSnapshot
}

// begin returns a merge of what the tenant inherits, before its own documents.
func (t inputs) begin() *tenantMerge {
	a := &tenantMerge{host: t.host, base: t.base, docs: t.docs, effective: &Effective{}}
	a.layers = t.base.layersForTenant(context.Background(), t.snapshot)
	return a
}

// load merges the tenant's documents on top. They were checked before.
func (a *tenantMerge) load() {
	for _, d := range a.docs.sources() {
		a.layers.load(d.layer, d.doc)
	}
	a.readLayers()
}

// readLayers takes the tree, and the schemas of its blocks, from the layers as they are now.
func (a *tenantMerge) readLayers() {
	a.tree = a.layers.values.Raw()
	a.schemas = map[string]*Schema{}
	for _, b := range blocks {
		// The merge was checked, so that the schema is there.
		a.schemas[b.key], _ = a.layers.schema(b, plainText(a.layers.block(b, a.tree)[b.selector]))
	}
}

// merge returns a merge with its tree, schemas and provenance; nil for an [Effective] that
// [Host.Tenant] did not make.
func (t inputs) merge() *tenantMerge {
	if t.host == nil {
		return nil // not made by Host.Tenant
	}
	a := t.begin()
	a.load()
	a.limits()
	return a
}
