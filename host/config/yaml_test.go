package config

import (
	"strings"
	"testing"
)

func TestParseYAML_empty(t *testing.T) {
	const src = "prompts:\n#  system: mine\n"
	_, err := ParseYAML("tenant.yaml", []byte(src))
	if err == nil || !strings.HasPrefix(err.Error(), "tenant.yaml:1:1: prompts: is empty; expected ") {
		t.Errorf("%v", err)
	}
	doc, err := ParseKept("tenant.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := doc.Values()["prompts"]; !ok || v != nil {
		t.Errorf("what was kept is read as %v", doc.Values())
	}
}
