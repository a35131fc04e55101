package config

import (
	"slices"

	"github.com/botyard/botyard/host/secret"
)

// Documents are what is written of one tenant. Either may be nil.
type Documents struct {
	// Operator is the operator's: a tenant file, or what was put with the operator's rights.
	Operator *Document
	// Own is what the tenant itself wrote. It is merged on top.
	Own *Document
}

// DocumentSecrets are the paths of secrets in one document.
type DocumentSecrets struct {
	Literals   []Path // given as texts: to be sealed before the document is stored
	References []Path // given as references: only hidden when the document is shown
}

// All returns the paths of both.
func (s DocumentSecrets) All() []Path { return slices.Concat(s.Literals, s.References) }

// layers returns the documents that are there, lowest first.
func (d Documents) sources() []source {
	var out []source
	for _, s := range []source{{tenantLayer, d.Operator}, {ownLayer, d.Own}} {
		if s.doc != nil {
			out = append(out, s)
		}
	}
	return out
}

// of returns the document of a layer; nil where the layer is the host's.
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

// named reports whether one of the documents has the name.
func (d Documents) haveName(name string) bool {
	return slices.ContainsFunc(d.sources(), func(s source) bool { return s.doc.name == name })
}

// at returns what the highest of the documents has at the path, nil if none has it.
func (d Documents) at(path Path) *entry {
	for _, s := range slices.Backward(d.sources()) {
		if e := s.doc.at(path); e != nil {
			return e
		}
	}
	return nil
}

// TenantSecrets returns the paths of the secrets that each of the tenant's documents
// contains itself. A secret of the operator's that the tenant's own document replaces is
// one of them.
func (e *Effective) TenantSecrets() (operator, own DocumentSecrets) {
	if e.inputs.host == nil {
		return DocumentSecrets{}, DocumentSecrets{} // not made by Host.Tenant
	}
	if e.inputs.docs.Own == nil && !e.hasSecrets() {
		return DocumentSecrets{}, DocumentSecrets{} // most have none, and need no merge to say so
	}
	a := e.inputs.begin()
	found := map[layer]DocumentSecrets{}
	for _, s := range e.inputs.docs.sources() {
		// After each document: the next one may hide what this one has, or select another
		// plugin, whose schema knows nothing of it.
		a.layers.load(s.layer, s.doc)
		a.readLayers()
		a.secrets(found)
	}
	return found[tenantLayer], found[ownLayer]
}

// secrets adds the secrets of the tenant's documents in the tree as it is.
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
