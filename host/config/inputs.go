package config

import (
	"context"
)

// inputs holds what an Effective was built from. From the inputs the merge is repeated when a
// caller asks for provenance, because provenance needs much more memory than the configuration
// and is seldom needed.
type inputs struct {
	host     *Host
	base     *baseMerge
	docs     Documents
	snapshot schemaSnapshot
}

// begin returns a merge that holds the values that the tenant inherits, without the tenant's
// documents.
func (t inputs) begin() *tenantMerge {
	a := &tenantMerge{host: t.host, base: t.base, docs: t.docs, effective: &Effective{}}
	a.layers = t.base.layersForTenant(context.Background(), t.snapshot)
	return a
}

// load merges the tenant's documents on top of the inherited values. Host.Tenant has already
// checked the documents.
func (a *tenantMerge) load() {
	for _, d := range a.docs.sources() {
		a.layers.load(d.layer, d.doc)
	}
	a.readLayers()
}

// readLayers sets tree and schemas from the current state of the layers.
func (a *tenantMerge) readLayers() {
	a.tree = a.layers.values.Raw()
	a.schemas = map[string]*Schema{}
	a.blocks = a.layers.pluginBlocks(a.tree)
	for _, b := range a.blocks {
		// Host.Tenant has checked the merge, so the snapshot has the schema.
		a.schemas[b.path.key()], _ = a.layers.schema(b, plainText(a.layers.block(b, a.tree)[b.selector]))
	}
}

// merge repeats the merge and returns it with its tree, schemas and provenance. It returns nil if
// [Host.Tenant] did not build the Effective.
func (t inputs) merge() *tenantMerge {
	if t.host == nil {
		return nil
	}
	a := t.begin()
	a.load()
	a.limits()
	return a
}
