package config

import (
	"slices"

	"github.com/botyard/botyard/host/secret"
)

// Documents are the two documents of one tenant. Either may be nil.
type Documents struct {
	// Operator is written by the operator: a tenant file, or a PUT with the admin token.
	Operator *Document
	// Own is written by the tenant itself. It is merged on top of Operator.
	Own *Document
}

// DocumentSecrets are the paths of the secrets in one document.
type DocumentSecrets struct {
	Literals   []Path // given as texts; they are sealed before the document is stored
	References []Path // given as references; they are hidden when the document is shown
}

// All returns the paths of literals and references.
func (s DocumentSecrets) All() []Path { return slices.Concat(s.Literals, s.References) }

// sources returns the documents that there are, the lower layer first.
func (d Documents) sources() []source {
	var out []source
	for _, s := range []source{{tenantLayer, d.Operator}, {ownLayer, d.Own}} {
		if s.doc != nil {
			out = append(out, s)
		}
	}
	return out
}

// of returns the document of a layer; nil for a layer of the host.
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

// at returns the entry at the path of the higher document that has one; nil if none has.
func (d Documents) at(path Path) *entry {
	for _, s := range slices.Backward(d.sources()) {
		if e := s.doc.at(path); e != nil {
			return e
		}
	}
	return nil
}

// TenantSecrets returns the paths of the secrets in each of the tenant's documents. A secret in
// the operator's document is one of them also where the tenant's own document replaces it.
func (e *Effective) TenantSecrets() (operator, own DocumentSecrets) {
	if e.inputs.host == nil {
		return DocumentSecrets{}, DocumentSecrets{} // not made by Host.Tenant
	}
	if e.inputs.docs.Own == nil && !e.hasSecrets() {
		return DocumentSecrets{}, DocumentSecrets{} // most tenants have none, and need no merge
	}
	a := e.inputs.begin()
	found := map[layer]DocumentSecrets{}
	for _, s := range e.inputs.docs.sources() {
		// Looked for after each document: the next one may replace a secret of this one, or
		// select a plugin whose schema does not know the key.
		a.layers.load(s.layer, s.doc)
		a.readLayers()
		a.secrets(found)
	}
	return found[tenantLayer], found[ownLayer]
}

// secrets adds the secrets that the tenant's documents have in the tree as it is now.
func (a *tenantMerge) secrets(found map[layer]DocumentSecrets) {
	for _, b := range blocks {
		schema := a.schemas[b.key]
		if schema == nil {
			continue
		}
		config, _ := a.tree[b.key].(map[string]any)
		schema.cursor().leaves(Path{b.key}, b.plugins(config), func(path Path, value any, m marks) {
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

// addPath appends the path unless it is there.
func addPath(paths []Path, path Path) []Path {
	if slices.ContainsFunc(paths, func(p Path) bool { return slices.Equal(p, path) }) {
		return paths
	}
	return append(paths, path)
}

// hasSecrets reports whether a block has a secret, of whichever layer.
func (e *Effective) hasSecrets() bool {
	found := false
	for _, b := range []Block{e.LLM, e.Memory, e.Storage} {
		cursor{}.leaves(nil, b.Config, func(_ Path, value any, _ marks) {
			switch value.(type) {
			case secret.Text, Reference:
				found = true
			}
		})
	}
	return found
}
