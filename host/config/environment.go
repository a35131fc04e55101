package config

import (
	"slices"
	"strings"
)

// envPrefix is the prefix of the environment variables that set keys. It ends in two underscores,
// because Kubernetes sets variables such as BOTYARD_SERVICE_HOST for a service named botyard.
const envPrefix = "BOTYARD__"

// environment returns the layer of the environment variables. The variable BOTYARD__A__B sets the
// key a.b.
func environment(environ []string) *Document {
	b := builder{name: environmentVariables.String()}
	root := node{kind: mapNode}
	set := slices.Sorted(slices.Values(environ))
	for _, entry := range set {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, envPrefix) {
			b.setVariable(&root, name, value)
		}
	}
	d := newDocument(b.name, root)
	d.problems = b.problems
	return d
}

// setVariable adds the key that the variable sets to the root node at.
func (b *builder) setVariable(at *node, name, value string) {
	pos := Pos{File: "environment variable " + name}
	addProblem := func(message, expected string) {
		b.addProblem(pos, nil, message, expected)
	}
	path := Path(strings.Split(strings.ToLower(strings.TrimPrefix(name, envPrefix)), "__"))
	for _, segment := range path {
		if bad := checkKey(segment); bad != "" {
			addProblem("its name does not name a key: "+bad, envPrefix+"A__B for the key a.b")
			return
		}
	}
	if len(path) > maxDepth {
		addProblem("its name has too many levels", "")
		return
	}
	if len(value) > maxSize || strings.ToValidUTF8(value, "") != value {
		addProblem("its value is not UTF-8 text of at most a megabyte", "")
		return
	}
	for _, segment := range path[:len(path)-1] {
		next := at.child(segment)
		if next == nil {
			at.children = append(at.children, node{key: segment, pos: pos, kind: mapNode})
			next = &at.children[len(at.children)-1]
		}
		if next.kind != mapNode {
			addProblem("sets a key below "+strings.TrimPrefix(next.pos.File, "environment variable ")+", which sets a value", "one of them")
			return
		}
		at = next
	}
	last := path[len(path)-1]
	if other := at.child(last); other != nil {
		addProblem("sets the same key as "+strings.TrimPrefix(other.pos.File, "environment variable "), "one of them")
		return
	}
	at.children = append(at.children, node{key: last, pos: pos, scalar: envText(value)})
}
