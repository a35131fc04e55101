package config

import (
	"slices"
	"strings"
)

// envPrefix has two underscores: BOTYARD_SERVICE_HOST, which Kubernetes sets for
// a service named botyard, is not ours.
const envPrefix = "BOTYARD__"

// envText is a variable's value until the schema of its key says what it is.
type envText string

// environment makes the layer of the variables BOTYARD__A__B, which set a.b.
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

func (b *builder) setVariable(at *node, name, value string) {
	pos := Pos{File: "environment variable " + name}
	refuse := func(message, expected string) {
		b.refuse(pos, nil, message, expected)
	}
	path := Path(strings.Split(strings.ToLower(strings.TrimPrefix(name, envPrefix)), "__"))
	for _, segment := range path {
		if bad := checkKey(segment); bad != "" {
			refuse("its name does not name a key: "+bad, envPrefix+"A__B for the key a.b")
			return
		}
	}
	if len(path) > maxDepth {
		refuse("its name has too many levels", "")
		return
	}
	if len(value) > maxSize || strings.ToValidUTF8(value, "") != value {
		refuse("its value is not UTF-8 text of at most a megabyte", "")
		return
	}
	for _, segment := range path[:len(path)-1] {
		next := at.child(segment)
		if next == nil {
			at.children = append(at.children, node{key: segment, pos: pos, kind: mapNode})
			next = &at.children[len(at.children)-1]
		}
		if next.kind != mapNode {
			refuse("sets a key below "+strings.TrimPrefix(next.pos.File, "environment variable ")+", which sets a value", "one of them")
			return
		}
		at = next
	}
	last := path[len(path)-1]
	if other := at.child(last); other != nil {
		refuse("sets the same key as "+strings.TrimPrefix(other.pos.File, "environment variable "), "one of them")
		return
	}
	at.children = append(at.children, node{key: last, pos: pos, scalar: envText(value)})
}

// typed reads the text as one of the types that its key may have; none means any.
// What cannot be read stays a text, which the schema then complains about.
func (t envText) typed(types []string) any {
	may := func(names ...string) bool {
		return len(types) == 0 || slices.ContainsFunc(names, func(n string) bool { return slices.Contains(types, n) })
	}
	text := string(t)
	if may("boolean") && (text == "true" || text == "false") {
		return text == "true"
	}
	if may("integer", "number") {
		if number, bad := decimal(text); bad == "" {
			return number
		}
	}
	return text
}
