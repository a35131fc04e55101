package ollama

import (
	"fmt"
	"testing"
)

// TestModel_Capacity checks that two configurations have the same upstream if their URLs and model names
// are different spellings of the same server and model.
func TestModel_Capacity(t *testing.T) {
	upstream := func(base, model string) string {
		m, err := New(Config{BaseURL: base, Model: model})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = m.Close() }()
		return m.Capacity().Upstream
	}
	for _, c := range []struct {
		base, model, otherBase, otherModel string
		same                               bool
	}{
		{"http://127.0.0.1:11434", "m", "http://127.0.0.1:11434/", "m:latest", true},
		{"http://127.0.0.1:11434", "m", "http://localhost:11434", "m", true},
		{"http://[::1]:11434", "hf.co:80/a/m", "", "hf.co:80/a/m:latest", true},
		{"HTTP://Box", "m:1b", "http://box:80/", "m:1b", true},
		{"https://box/", "m:1b", "https://box:443", "m:1b", true},
		{"https://box/a", "m:1b", "https://box/a/", "m:1b", true},
		{"https://box/a", "m", "https://box/b", "m", false},
		{"https://box", "m", "http://box", "m", false},
		{"http://box", "m", "http://box:11434", "m", false},
		{"", "m:1b", "", "m:2b", false},
		{"", "m", "", "n", false},
	} {
		t.Run(fmt.Sprintf("%s %s and %s %s", c.base, c.model, c.otherBase, c.otherModel), func(t *testing.T) {
			if same := upstream(c.base, c.model) == upstream(c.otherBase, c.otherModel); same != c.same {
				t.Errorf("equal: %t, want %t", same, c.same)
			}
		})
	}
}
