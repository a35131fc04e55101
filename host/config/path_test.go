package config

import (
	"testing"
)

func TestPath(t *testing.T) {
	for want, p := range map[string]Path{
		"":                     nil,
		"a":                    {"a"},
		"a.b":                  {"a", "b"},
		`models."gpt-4.1".x`:   {"models", "gpt-4.1", "x"},
		`"a b".""."\"".é."\n"`: {"a b", "", `"`, "é", "\n"},
	} {
		t.Run(want, func(t *testing.T) {
			if got := p.String(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}
