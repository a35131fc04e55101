package config

// provenanceTree records the provenance of one path in a merge; its children record the paths
// below. With a tree, removing a path and everything below it is cheap.
type provenanceTree struct {
	set      *provenance    // provenance of the value; nil if there is no value
	removed  *provenance    // provenance of the null that removed the value; nil if no null did
	dropped  *droppedSecret // why an inherited secret was removed; nil if none was
	foreign  *deselection   // why an inherited key of another plugin was removed; nil if none was
	children map[string]*provenanceTree
}

// child returns the tree of a key below p, and adds the tree if it is missing.
func (p *provenanceTree) child(name string) *provenanceTree {
	next := p.children[name]
	if next == nil {
		next = &provenanceTree{}
		if p.children == nil {
			p.children = map[string]*provenanceTree{}
		}
		p.children[name] = next
	}
	return next
}

// at returns the tree at the path below p, and adds all missing trees on the way.
func (p *provenanceTree) at(path Path) *provenanceTree {
	for _, segment := range path {
		p = p.child(segment)
	}
	return p
}

// find returns the tree at the path below p, or nil if there is none.
func (p *provenanceTree) find(path Path) *provenanceTree {
	for _, segment := range path {
		if p = p.children[segment]; p == nil {
			return nil
		}
	}
	return p
}

// remove removes the path and everything below it.
func (p *provenanceTree) remove(path Path) {
	if parent := p.find(path[:len(path)-1]); parent != nil {
		delete(parent.children, path[len(path)-1])
	}
}

// nearest returns the provenance of the key at path, or of the nearest key above it that has one.
// For a key that a null removed, it returns the provenance of the null.
func (p *provenanceTree) nearest(path Path) provenance {
	var nearest provenance
	for i := 0; p != nil; i++ {
		switch {
		case p.set != nil:
			nearest = *p.set
		case p.removed != nil:
			nearest = *p.removed
		}
		if i == len(path) {
			break
		}
		p = p.children[path[i]]
	}
	return nearest
}

// each calls visit for p and for each tree below it, in no particular order.
func (p *provenanceTree) each(path Path, visit func(Path, *provenanceTree)) {
	visit(path, p)
	for name, next := range p.children {
		next.each(path.with(name), visit)
	}
}

// inherited returns a copy of p as the root of a new merge. prefix is the path of p in the old
// merge and is stored in each copied provenance. With an empty prefix the copies keep their old
// prefix.
func (p *provenanceTree) inherited(prefix Path) *provenanceTree {
	out := &provenanceTree{dropped: p.dropped, foreign: p.foreign}
	for _, from := range []struct {
		here *provenance
		to   **provenance
	}{{p.set, &out.set}, {p.removed, &out.removed}} {
		if from.here != nil {
			o := *from.here
			if len(prefix) > 0 {
				o.prefix = prefix
			}
			*from.to = &o
		}
	}
	if p.children != nil {
		out.children = make(map[string]*provenanceTree, len(p.children))
		for name, next := range p.children {
			out.children[name] = next.inherited(prefix)
		}
	}
	return out
}

// docProvenance computes the provenance of a document's values. It stands at one map or list of
// the document. The method named of returns the docProvenance one key further down.
type docProvenance struct {
	doc     *Document
	layer   layer
	prefix  Path
	path    Path
	entries []entry
	isList  bool
	byName  map[string]int // maps a key to its index in entries; built when first needed
}

func docProvenanceOf(l layer, doc *Document, prefix Path) *docProvenance {
	return &docProvenance{doc: doc, layer: l, prefix: prefix, entries: doc.keys}
}

// of returns the provenance of the key name in a map, or of element i in a list. It also returns
// the docProvenance for the values inside that key or element.
func (p *docProvenance) of(i int, name string) (provenance, *docProvenance) {
	if !p.isList {
		if p.byName == nil {
			p.byName = make(map[string]int, len(p.entries))
			for j := range p.entries {
				p.byName[p.entries[j].key] = j
			}
		}
		i = p.byName[name]
	}
	e := &p.entries[i]
	next := &docProvenance{doc: p.doc, layer: p.layer, prefix: p.prefix, path: p.path.with(name)}
	switch v := e.value.(type) {
	case mapping:
		next.entries = v
	case sequence:
		next.entries, next.isList = v, true
	}
	pos := Pos{File: p.doc.name, Line: int(e.line), Column: int(e.column)}
	if file, ok := p.doc.files[next.path.key()]; ok {
		pos.File = file
	}
	return provenance{pos: pos, layer: p.layer, prefix: p.prefix}, next
}

// provenance says which layer, file and line last set a key of a merge. prefix is the path of the
// merge's root in the document. For example, a tenant's keys are below "defaults" in the host
// file.
type provenance struct {
	pos    Pos
	layer  layer
	prefix Path
}
