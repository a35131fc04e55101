package e2e

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTurnShow(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": "prompts {\n  system = \"be kind\"\n}\n"})
	host.mustChat("a", "c 1", "first")
	host.mustChat("a", "c 1", "second")
	out, err := host.cli("turn", "show", "a", "c 1", "2", "--compose")
	if err != nil {
		t.Fatal(err, out)
	}
	for _, want := range []string{"succeeded", "echo 0.1.0", "system: be kind", "user: first", "user: second", "llm_ms"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "not known") {
		t.Errorf("gaps in what is all there:\n%s", out)
	}
	host.write("tenants/a.hcl", "prompts {\n  system = \"be brief\"\n}\n")
	host.eventually(applyWithin, "the change applies", host.says("a", "be brief"))
	if out, err = host.cli("turn", "show", "a", "c 1", "2", "--compose"); err != nil || !strings.Contains(out, "not known: the turn ran on revision") || strings.Contains(out, "be brief") {
		t.Errorf("%v:\n%s", err, out)
	}
	out, err = host.cli("turn", "show", "a", "c 1", "1", "--sequence", "--json")
	var shown struct{ Turn struct{ Sequence int64 } }
	if err != nil || json.Unmarshal([]byte(out), &shown) != nil || shown.Turn.Sequence != 1 {
		t.Errorf("%v:\n%s", err, out)
	}
	if out, err = host.cli("turn", "show", "a", "c 1", "9"); err == nil || !strings.Contains(out, "no such turn") {
		t.Errorf("%v:\n%s", err, out)
	}
}
