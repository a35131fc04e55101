package config

// place is what is known of one path of a merge: where its value was set, which null
// removed it, why an inherited secret is no longer there. Places form a tree along
// their paths, so that to forget one with all below it costs no look at the others.
type provenanceTree struct {
	set      *provenance    // where the value was set last; nil: there is none
	removed  *provenance    // the null that removed it; its key has to be a known one too
	dropped  *droppedSecret // why the inherited secret was dropped
	children map[string]*provenanceTree
}

// child gives the place of a key below p. It is made where it is not known yet.
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

// at gives the place at path, from p on. It is made where it is not known yet.
func (p *provenanceTree) at(path Path) *provenanceTree {
	for _, segment := range path {
		p = p.child(segment)
	}
	return p
}

// find gives the place at path, from p on, or nil.
func (p *provenanceTree) find(path Path) *provenanceTree {
	for _, segment := range path {
		if p = p.children[segment]; p == nil {
			return nil
		}
	}
	return p
}

// forget drops what is known of path and of everything below it.
func (p *provenanceTree) remove(path Path) {
	if parent := p.find(path[:len(path)-1]); parent != nil {
		delete(parent.children, path[len(path)-1])
	}
}

// locate gives the origin of the key at path, or of the nearest one above it. For
// a key that is not there this is the null that removed it, if one did.
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

// each calls visit for p and everything below it, in no order.
func (p *provenanceTree) each(path Path, visit func(Path, *provenanceTree)) {
	visit(path, p)
	for name, next := range p.children {
		next.each(path.with(name), visit)
	}
}

// inherited copies p and everything below it for a merge whose root is p. The prefix
// leads from the root of p's own merge to it; where it is empty each origin keeps its own.
func (p *provenanceTree) inherited(prefix Path) *provenanceTree {
	out := &provenanceTree{dropped: p.dropped}
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

// provenance gives the origins of a document's values, key by key on the way down.
type docProvenance struct {
	doc     *Document
	layer   layer
	prefix  Path
	path    Path
	entries []entry
	isList  bool
	byName  map[string]int // of entries; made when it is first needed
}

func docProvenanceOf(l layer, doc *Document, prefix Path) *docProvenance {
	return &docProvenance{doc: doc, layer: l, prefix: prefix, entries: doc.keys}
}

// of gives the origin of a key, or of a list's element, and the way on below it.
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

// origin says where a key of the merged configuration was set last. The prefix
// leads from the root of that document to what is the root here: a tenant's keys
// are below "defaults" in the host's documents.
type provenance struct {
	pos    Pos
	layer  layer
	prefix Path
}
