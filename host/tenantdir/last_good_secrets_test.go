package tenantdir

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/config"
)

// configTarget is a Target that checks the configuration of a tenant as a host does, and
// records the explained configuration.
type configTarget struct {
	*fakeTarget
	*testing.T
	marked bool // the plugin's schema marks the key api_key as secret
	shown  map[string]string
}

// Schema implements config.Schemas.
func (j *configTarget) Schema(_ context.Context, kind, _ string) (*config.Schema, error) {
	src := `{"type": "object", "properties": {"model": {"type": "string"}, "api_key": {"type": "string"}}}`
	if j.marked {
		src = strings.Replace(src, `"api_key": {`, `"api_key": {"x-botyard-secret": true, `, 1)
	}
	if kind != "llm" {
		src = `{"type": "object"}`
	}
	return config.CompileSchema([]byte(src))
}

func (j *configTarget) Apply(ctx context.Context, id, path string, doc *config.Document) ([]config.Path, error) {
	j.Helper()
	h, err := config.LoadHost(config.LoadOptions{Document: config.FromMap("host", map[string]any{"defaults": map[string]any{
		"llm": map[string]any{"provider": "m"}, "conversation_storage": map[string]any{"backend": "s"},
	}})})
	if err != nil {
		j.Fatal(err)
	}
	e, err := h.Tenant(ctx, id, config.Documents{Operator: doc}, j)
	if err != nil {
		return nil, err
	}
	j.shown[id] = fmt.Sprintf("%+v", e.Explain())
	secrets, _ := e.TenantSecrets()
	return secrets.Literals, nil
}

// TestLastGood_secretsStaySecret checks that a value stays secret when a new version of a
// plugin no longer marks its key as secret, even if the file has changed or become invalid
// since then.
func TestLastGood_secretsStaySecret(t *testing.T) {
	for name, text := range map[string]string{
		"as it was": "", "changed": "llm {\n api_key = \"sk-hunter2\"\n model = \"other\"\n}\n", "broken": "llm {",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			run := func(marked bool) string {
				r.restart()
				j := &configTarget{r.fakeTarget, t, marked, map[string]string{}}
				r.o.Target = j
				r.load()
				return j.shown["a"]
			}
			r.write("a.hcl", "llm {\n api_key = \"sk-hunter2\"\n model = \"m\"\n}\n")
			if shown := run(true); shown == "" || strings.Contains(shown, "hunter2") {
				t.Fatalf("shown: %s", shown)
			}
			if text != "" {
				r.write("a.hcl", text)
			}
			for range 2 { // the second restart checks that the first has stored the secret paths again
				if shown := run(false); shown == "" || strings.Contains(shown, "hunter2") {
					t.Errorf("shown: %s", shown)
				}
			}
		})
	}
}
