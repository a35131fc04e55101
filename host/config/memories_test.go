package config

import (
	"slices"
	"testing"
)

func TestHost_MemoriesOf(t *testing.T) {
	h := loadHost(t, `{defaults: {llm: {provider: echo}, memory: {type: buffer}}, plan: {big: {memory: {type: vector}}}}`)
	for doc, want := range map[string][]string{
		`{}`:                           {"buffer"},
		`{memory: {type: diary}}`:      {"buffer", "diary"},
		`{plan: big}`:                  {"buffer", "vector"},
		`{memory: {max_messages: 10}}`: {"buffer"},
	} {
		t.Run(doc, func(t *testing.T) {
			if got := h.MemoriesOf(Documents{Operator: yamlDoc(t, doc)}); !slices.Equal(got, want) {
				t.Errorf("%q; want %q", got, want)
			}
		})
	}
}
