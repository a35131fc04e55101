package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// row is one key in a table.
type row struct {
	key, kind, byDefault, description string
	// when a changed value counts; empty in tables without this column
	applies                    string
	required, secret, endpoint bool
	// what the tenant itself may do with the key; empty if the schema does not say
	author string
}

// pluginKey is the prefix of the keys in the host file's plugin blocks. These keys are equal
// for all plugins.
const pluginKey = "plugin.KIND.NAME."

// rowsOf returns a row for each key of a JSON Schema, in the order of the schema.
func rowsOf(src []byte) ([]row, error) {
	var doc yaml.Node // a parser of YAML, because it can read JSON and keeps the order of keys
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return nil, err
	}
	r := reader{root: doc.Content[0]}
	r.object("", r.root, "")
	return r.rows, errors.Join(r.errs...)
}

type reader struct {
	root *yaml.Node
	rows []row
	errs []error
}

// get returns the value of a key in a mapping, or nil if n does not have the key.
func get(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func text(n *yaml.Node, key string) string {
	if v := get(n, key); v != nil {
		return v.Value
	}
	return ""
}

// resolve returns the node to which a reference points. A node without a reference is returned
// as it is.
func (r *reader) resolve(n *yaml.Node) *yaml.Node {
	ref := text(n, "$ref")
	if ref == "" {
		return n
	}
	at := r.root
	for segment := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at = get(at, segment)
	}
	if at == nil {
		r.errs = append(r.errs, fmt.Errorf("the reference %s leads nowhere", ref))
		return n
	}
	return at
}

// object adds a row for each property of n and for the properties within them. author says what
// a tenant may do with n, and counts for properties that do not say it themselves.
func (r *reader) object(prefix string, n *yaml.Node, author string) {
	required := map[string]bool{}
	if list := get(n, "required"); list != nil {
		for _, name := range list.Content {
			required[name.Value] = true
		}
	}
	properties := get(n, "properties")
	if properties == nil {
		return
	}
	for i := 0; i < len(properties.Content); i += 2 {
		name, p := properties.Content[i].Value, r.resolve(properties.Content[i+1])
		if prefix+name == "plugin" {
			r.plugins(p)
			continue
		}
		// The block plan is only in the host file. Its names are free, so it gets one row.
		if each := get(p, "additionalProperties"); prefix+name == "plan" && each != nil {
			r.row(prefix+name+".NAME", p, rowOptions{})
			r.rows[len(r.rows)-1].kind = kindOf(r.resolve(each))
			continue
		}
		author := authorOf(p, author)
		if hasOnlyMarks(p) && author != "" {
			continue // The schema says only who may set this key of a map, or override it. The row of the map describes its keys.
		}
		nested := get(p, "properties") != nil && len(get(p, "properties").Content) > 0
		if !nested || text(p, "description") != "" {
			r.row(prefix+name, p, rowOptions{required: required[name], author: author})
		}
		if nested {
			r.object(prefix+name+".", p, author)
		}
		if items := r.resolve(get(p, "items")); get(items, "properties") != nil {
			r.object(prefix+name+"[].", items, author)
		}
	}
}

// plugins adds the keys of a plugin block in the host file. It reads the block of the first
// kind, because the blocks of all kinds have equal keys.
func (r *reader) plugins(p *yaml.Node) {
	kinds := get(p, "properties")
	r.object(pluginKey, r.resolve(get(r.resolve(kinds.Content[1]), "additionalProperties")), "")
}

// authorOf returns what a tenant may do with the key p. If the schema of p does not say it,
// authorOf returns inherited.
func authorOf(p *yaml.Node, inherited string) string {
	for keyword, author := range map[string]string{"x-botyard-tenant": "sets", "x-botyard-lower": "lowers", "x-botyard-operator": "no"} {
		if text(p, keyword) == "true" {
			return author
		}
	}
	return inherited
}

// hasOnlyMarks reports whether all that the schema says of p are the project's own keywords.
func hasOnlyMarks(p *yaml.Node) bool {
	for i := 0; i < len(p.Content); i += 2 {
		if !strings.HasPrefix(p.Content[i].Value, "x-botyard-") {
			return false
		}
	}
	return len(p.Content) > 0
}

// rowOptions are the facts about a key that its schema does not have.
type rowOptions struct {
	required bool
	author   string // what the tenant itself may do with the key
}

func (r *reader) row(key string, p *yaml.Node, o rowOptions) {
	out := row{
		key: key, kind: kindOf(p), description: text(p, "description"), required: o.required, author: o.author,
		secret: text(p, "x-botyard-secret") == "true", endpoint: text(p, "x-botyard-endpoint") == "true",
	}
	if d := get(p, "default"); d != nil {
		out.byDefault = code(valueOf(d))
	}
	if out.description == "" {
		r.errs = append(r.errs, fmt.Errorf("%s has no description", key))
	}
	r.rows = append(r.rows, out)
}

// valueOf returns the text of a default: a scalar without quotes, a list as JSON.
func valueOf(d *yaml.Node) string {
	if d.Kind != yaml.SequenceNode {
		return d.Value
	}
	var items []string
	for _, item := range d.Content {
		items = append(items, strconv.Quote(item.Value))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func code(s string) string { return "`" + s + "`" }

// words has the names of JSON's types that the host also uses in the problems of a
// configuration.
var words = map[string]string{
	"string": "text", "integer": "integer", "number": "number", "boolean": "true or false", "array": "list", "object": "map",
}

func kindOf(p *yaml.Node) string {
	if values := get(p, "enum"); values != nil {
		var all []string
		for _, v := range values.Content {
			all = append(all, code(v.Value))
		}
		return strings.Join(all, " or ")
	}
	for _, group := range []string{"oneOf", "anyOf"} {
		if parts := get(p, group); parts != nil {
			var all []string
			for _, v := range parts.Content {
				all = append(all, kindOf(v))
			}
			return strings.Join(all, ", or ")
		}
	}
	kind, ok := words[text(p, "type")]
	if !ok {
		return "any"
	}
	if items := get(p, "items"); items != nil {
		kind += " of " + plural(kindOf(items))
	} else if items := get(p, "additionalProperties"); items != nil && items.Kind == yaml.MappingNode {
		kind += " of " + plural(kindOf(items))
	}
	return kind + rangeOf(p)
}

func plural(word string) string {
	if word == "any" || strings.Contains(word, " ") {
		return word
	}
	return word + "s"
}

func rangeOf(p *yaml.Node) string {
	low, above, high := text(p, "minimum"), text(p, "exclusiveMinimum"), text(p, "maximum")
	switch {
	case low != "" && high != "":
		return ", " + low + " to " + high
	case above != "" && high != "":
		return ", above " + above + ", at most " + high
	case low != "":
		return ", at least " + low
	case above != "":
		return ", above " + above
	case high != "":
		return ", at most " + high
	}
	return ""
}

var cell = strings.NewReplacer("|", `\|`, "\n", " ")

// table returns the rows as a table in Markdown.
func table(rows []row) (string, error) {
	if len(rows) == 0 {
		return "It has no keys beside the selector.\n", nil
	}
	var b strings.Builder
	timed := rows[0].applies != ""
	if timed {
		b.WriteString("| key | type | default | a change counts at | meaning |\n| --- | --- | --- | --- | --- |\n")
	} else {
		b.WriteString("| key | type | default | the tenant itself | meaning |\n| --- | --- | --- | --- | --- |\n")
	}
	for _, r := range rows {
		var marks []string
		for _, m := range []struct {
			set  bool
			word string
		}{{r.required, "Required."}, {r.secret, "**Secret.**"}, {r.endpoint, "**Endpoint.**"}} {
			if m.set {
				marks = append(marks, m.word)
			}
		}
		meaning := strings.Join(append(marks, r.description), " ")
		columns := []string{code(r.key), r.kind, r.byDefault}
		if timed {
			columns = append(columns, r.applies)
		} else {
			if r.author == "" {
				return "", fmt.Errorf("%s: nobody decided whether a tenant may set it itself: mark it in its schema", r.key)
			}
			columns = append(columns, r.author)
		}
		columns = append(columns, meaning)
		for i := range columns {
			columns[i] = cell.Replace(columns[i])
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(columns, " | "))
	}
	return b.String(), nil
}
