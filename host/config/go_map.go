package config

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/botyard/botyard/host/secret"
)

// addGoValue adds a Go value to the node parent, converted to the types that the parsers give to
// values.
func (b *builder) addGoValue(parent *node, path Path, key string, value any) {
	n := node{key: key, pos: Pos{File: b.name}}
	addProblem := func(message, expected string) {
		b.addProblem(n.pos, path, message, expected)
	}
	if b.tooDeep(n.pos, path) || b.tooMany(n.pos) {
		return
	}
	if parent.kind == mapNode {
		if bad := checkKey(key); bad != "" {
			addProblem(bad, "")
			return
		}
	}
	switch v := value.(type) {
	case nil, bool, string, int64:
		n.scalar = v
		parent.children = append(parent.children, n)
		return
	case secret.Text:
		n.scalar = v.Reveal()
		parent.children = append(parent.children, n)
		return
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Bool:
		n.scalar = v.Bool()
	case reflect.String:
		n.scalar = v.String()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n.scalar = v.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if v.Uint() > math.MaxInt64 {
			addProblem(outOfRange, "a finite number")
			return
		}
		n.scalar = int64(v.Uint())
	case reflect.Float32, reflect.Float64:
		number, bad := normalFloat(v.Float())
		if bad != "" {
			addProblem(bad, "a finite number")
			return
		}
		n.scalar = number
	case reflect.Slice, reflect.Array:
		n.kind = listNode
		for i := range v.Len() {
			b.addGoValue(&n, path.with(strconv.Itoa(i)), "", v.Index(i).Interface())
		}
	case reflect.Map:
		if v.Type().Key().Kind() != reflect.String {
			addProblem("is a map whose keys are not texts", "a map with text keys")
			return
		}
		n.kind = mapNode
		entries := make(map[string]any, v.Len())
		for _, k := range v.MapKeys() {
			entries[k.String()] = v.MapIndex(k).Interface()
		}
		for _, k := range slices.Sorted(maps.Keys(entries)) {
			b.addGoValue(&n, path.with(k), k, entries[k])
		}
	default:
		addProblem(fmt.Sprintf("is a Go %T", value), "a map, a list, a text, a number, true, false or nil")
		return
	}
	parent.children = append(parent.children, n)
}

// FromMap returns a document with the values of a Go map. It copies the map. The values may be
// nil, bool, string, secret.Text, any integer or float type, slices, and maps with string keys.
// [LoadHost] and [Host.Tenant] report values of other types as problems. The positions have a
// name and no line.
func FromMap(name string, m map[string]any) *Document {
	b := builder{name: name, values: 1} // 1 counts the map itself
	root := node{kind: mapNode}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		b.addGoValue(&root, Path{key}, key, m[key])
	}
	d := newDocument(name, root)
	d.problems = b.problems
	return d
}
