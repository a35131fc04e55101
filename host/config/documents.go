package config

import (
	"slices"

	"github.com/botyard/botyard/host/secret"
)

// Documents holds the two documents of one tenant. Either document may be nil.
type Documents struct {
	// Operator is the document that the operator writes: a tenant file, or the body of a PUT with
	// the admin token.
	Operator *Document
	// Own is the document that the tenant itself writes. It is merged on top of Operator.
	Own *Document
}

// DocumentSecrets holds the paths of the secrets in one document.
type DocumentSecrets struct {
	Literals   []Path // secrets written as text; the caller seals them before it stores the document
	References []Path // secrets written as references; the caller hides them when it shows the document
}

// All returns the paths of literals and references.
func (s DocumentSecrets) All() []Path { return slices.Concat(s.Literals, s.References) }

// sources returns the documents that are not nil, the lower layer first.
func (d Documents) sources() []source {
	var out []source
	for _, s := range []source{{tenantLayer, d.Operator}, {ownLayer, d.Own}} {
		if s.doc != nil {
			out = append(out, s)
		}
	}
	return out
}

// of returns the tenant's document of the layer, or nil if the layer belongs to the host.
func (d Documents) of(l layer) *Document {
	switch l {
	case tenantLayer:
		return d.Operator
	case ownLayer:
		return d.Own
	}
	return nil
}

// has reports whether one of the documents has the key at its top level.
func (d Documents) has(key string) bool {
	return slices.ContainsFunc(d.sources(), func(s source) bool { return s.doc.has(key) })
}

// haveName reports whether one of the documents has the name.
func (d Documents) haveName(name string) bool {
	return slices.ContainsFunc(d.sources(), func(s source) bool { return s.doc.name == name })
}

// at returns the entry at the path, from Own if Own has one and otherwise from Operator. It
// returns nil if neither document has the path.
func (d Documents) at(path Path) *entry {
	for _, s := range slices.Backward(d.sources()) {
		if e := s.doc.at(path); e != nil {
			return e
		}
	}
	return nil
}

// TenantSecrets returns the paths of the secrets in each of the tenant's documents. The result
// includes secrets of the operator's document that the tenant's own document replaces.
func (e *Effective) TenantSecrets() (operator, own DocumentSecrets) {
	if e.inputs.host == nil {
		return DocumentSecrets{}, DocumentSecrets{} // Host.Tenant did not build e
	}
	if e.inputs.docs.Own == nil && !e.hasSecrets() {
		return DocumentSecrets{}, DocumentSecrets{} // most tenants have no secrets, so this saves a merge
	}
	a := e.inputs.begin()
	found := map[layer]DocumentSecrets{}
	for _, s := range e.inputs.docs.sources() {
		// The search runs after each document, because the next document may replace a secret of
		// this document, or may select a plugin whose schema does not have the key.
		a.layers.load(s.layer, s.doc)
		a.readLayers()
		a.secrets(found)
	}
	return found[tenantLayer], found[ownLayer]
}

// secrets adds to found the paths of secrets that the tenant's documents set in the current tree,
// by layer.
func (a *tenantMerge) secrets(found map[layer]DocumentSecrets) {
	for _, b := range a.blocks {
		schema := a.schemas[b.path.key()]
		if schema == nil {
			continue
		}
		config := b.plugins(schema.own(mapAt(a.tree, b.path)))
		schema.cursor().leaves(b.path, config, func(path Path, value any, m marks) {
			text, ok := value.(string)
			from := a.layers.provenance.nearest(path).layer
			if !ok || !from.isTenants() || !m.secret && !a.isSealed(path) {
				return
			}
			s := found[from]
			if _, whole := parseReference(text); whole {
				s.References = addPath(s.References, path)
			} else {
				s.Literals = addPath(s.Literals, path)
			}
			found[from] = s
		})
	}
}

// addPath appends path to paths if paths does not contain it.
func addPath(paths []Path, path Path) []Path {
	if slices.ContainsFunc(paths, func(p Path) bool { return slices.Equal(p, path) }) {
		return paths
	}
	return append(paths, path)
}

// hasSecrets reports whether a plugin block of e contains a secret, from any layer.
func (e *Effective) hasSecrets() bool {
	found := false
	for _, b := range e.Blocks() {
		cursor{}.leaves(nil, b.Config, func(_ Path, value any, _ marks) {
			switch value.(type) {
			case secret.Text, Reference:
				found = true
			}
		})
	}
	return found
}
