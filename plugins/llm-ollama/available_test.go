package ollama

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/ollama/ollama/api"
)

// TestModel_withAvailable checks that the error of Check names the models that the server has. Models
// like the missing one come first, and a long list is cut.
func TestModel_withAvailable(t *testing.T) {
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("m%d:latest", i))
	}
	for name, c := range map[string]struct {
		tags []string
		want string // the end of the message
	}{
		"none":                  {[]string{}, "ollama pull gemma3:1b; it has no models"},
		"others":                {[]string{"llama3:8b", "Gemma3:27b", "qwen3:latest"}, "; it has Gemma3:27b, llama3:8b, qwen3:latest"},
		"many":                  {many, "m8:latest, m9:latest and 30 more"},
		"a long name":           {[]string{strings.Repeat("x", 10_000)}, "xxx…"},
		"does not say":          {nil, "ollama pull gemma3:1b"},
		"a name of other bytes": {[]string{"a\nb\x00"}, "it has a b?"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.tags = c.tags
			s.show = func(w http.ResponseWriter, req *api.ShowRequest) {
				refuse(w, http.StatusNotFound, "model '"+req.Model+"' not found")
			}
			f := fault.Of(s.model(nil).Check(t.Context()))
			if f == nil || f.Class != fault.NotFound || f.Path.String() != "model" || !strings.HasSuffix(f.Message, c.want) || len(f.Message) > 5000 {
				t.Errorf("got %v", f)
			}
		})
	}
}
