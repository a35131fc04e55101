package jsonstream

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestCountValues(t *testing.T) {
	for src, want := range map[string]int{
		``: 0, `{}`: 1, `[]`: 1, `{"a":1,"b":[1,2]}`: 4, `"{[,"`: 0, `{"a\"{[,":"\\",",":1}`: 2, `[[],{},null]`: 5,
	} {
		t.Run(src, func(t *testing.T) {
			if got := CountValues([]byte(src)); got != want {
				t.Errorf("the text has %d values; want %d", got, want)
			}
		})
	}
	deep, _ := json.Marshal(map[string]any{"a": strings.Repeat("{", 1000)})
	if got := CountValues(deep); got != 1 {
		t.Errorf("a text with braces has %d", got)
	}
}
