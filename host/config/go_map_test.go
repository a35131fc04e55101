package config

import (
	"strings"

	"fmt"
	"reflect"
	"testing"

	"github.com/botyard/botyard/host/secret"
)

func TestFromMap(t *testing.T) {
	type word string
	in := map[string]any{
		"a": 1, "b": uint8(2), "c": float32(0.5), "d": 3.0, "e": []string{"x"}, "f": map[string]string{"k": "v"},
		"g": []any{nil, true, map[word]int{"w": 1}}, "h": secret.NewText("sk-1"), "i": word("w"), "j": nil, "k": [2]int{1, 2},
	}
	doc := FromMap("m", in)
	want := map[string]any{
		"a": int64(1), "b": int64(2), "c": 0.5, "d": int64(3), "e": []any{"x"}, "f": map[string]any{"k": "v"},
		"g": []any{nil, true, map[string]any{"w": int64(1)}}, "h": "sk-1", "i": "w", "j": nil, "k": []any{int64(1), int64(2)},
	}
	if got := doc.Values(); !reflect.DeepEqual(got, want) || len(doc.problems) > 0 {
		t.Errorf("got %#v, %v", got, doc.problems)
	}
	doc.Values()["f"].(map[string]any)["k"] = "changed"
	if !reflect.DeepEqual(doc.Values(), want) {
		t.Error("Values gives what the document keeps")
	}
	loop := map[string]any{}
	loop["loop"] = loop
	if doc := FromMap("m", loop); len(doc.problems) != 1 {
		t.Errorf("a map in itself gives %v", doc.problems)
	}
	var none *Document
	if got := none.Values(); len(got) != 0 || fmt.Sprint(none) != "no document" {
		t.Errorf("a nil document has %v", got)
	}
}

// TestFromMap_bounds checks that the bounds of documents also hold for a Go map.
func TestFromMap_bounds(t *testing.T) {
	list := make([]any, maxValues)
	deep := map[string]any{"b": 1}
	for range maxDepth {
		deep = map[string]any{"a": deep}
	}
	long := map[string]any{"b": 1}
	for range 5 {
		long = map[string]any{strings.Repeat("k", maxKey): long}
	}
	for want, m := range map[string]map[string]any{
		"is beyond the first 10000 keys": {"a": list},
		"is nested too deeply":           deep,
		"a key has 257 bytes":            {strings.Repeat("k", maxKey+1): 1},
		"is below keys of 1280 bytes":    long,
	} {
		t.Run(want, func(t *testing.T) {
			if err := FromMap("x", m).problems.err(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v; want %s", err, want)
			}
		})
	}
}
