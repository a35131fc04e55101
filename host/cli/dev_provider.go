package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/config"
)

// provider is the LLM provider of the sample tenants, with the reason why it was chosen.
type provider struct {
	name, model, why string
	environ          []string // environment variables that make the host use the provider
}

// String returns the provider in one line.
func (p provider) String() string {
	s := p.name
	if p.model != "" {
		s += ", model " + p.model
	}
	if p.why != "" {
		s += " (" + p.why + ")"
	}
	return s
}

const (
	providerVariable = "BOTYARD__DEFAULTS__LLM__PROVIDER"
	modelVariable    = "BOTYARD__DEFAULTS__LLM__MODEL"
	baseURLVariable  = "BOTYARD__DEFAULTS__LLM__BASE_URL"
)

// chooseProvider chooses the provider for the commands dev and demo. If the configuration names
// the provider ollama, chooseProvider asks the Ollama server for its models, and chooses echo
// if no server responds or no model can chat. It keeps any other provider, and a provider that
// is set in the environment.
func chooseProvider(ctx context.Context, file string, environ []string) (provider, error) {
	doc, err := config.ReadFile(file)
	if err != nil {
		return provider{}, err
	}
	defaults, _ := doc.Values()["defaults"].(map[string]any)
	llm, _ := defaults["llm"].(map[string]any)
	name, _ := llm["provider"].(string)
	model, _ := llm["model"].(string)
	if set, ok := variable(environ, providerVariable); ok {
		model, _ = variable(environ, modelVariable)
		return provider{name: set, model: model, why: "set by " + providerVariable}, nil
	}
	if name != "ollama" {
		return provider{name: name, model: model, why: "set by " + file}, nil
	}
	address, _ := variable(environ, "OLLAMA_HOST")
	if configured, _ := llm["base_url"].(string); address == "" {
		address = configured
	}
	base, err := ollamaURL(address)
	if err != nil {
		return provider{}, err
	}
	models, err := ollamaModels(ctx, base)
	if err != nil {
		return echo(fmt.Sprintf("no Ollama server answers at %s; echo only repeats what reached it", base)), ctx.Err()
	}
	pull := "ollama pull " + model
	if len(models) == 0 {
		return echo(fmt.Sprintf("the Ollama server at %s has no model that can chat; get one with: %s", base, pull)), nil
	}
	p := provider{name: "ollama", model: model, why: "the server at " + base, environ: []string{
		providerVariable + "=ollama", baseURLVariable + "=" + base,
	}}
	if !slices.ContainsFunc(models, func(m string) bool { return m == model || m == model+":latest" }) {
		p.model = models[0]
		p.why += fmt.Sprintf("; it does not have the configured model: %s", pull)
	}
	p.environ = append(p.environ, modelVariable+"="+p.model)
	return p, nil
}

// echo returns the echo provider. why is the reason for choosing it.
func echo(why string) provider {
	return provider{name: "echo", why: why, environ: []string{providerVariable + "=echo"}}
}

// variable returns the value of the first variable with this name in environ. Package os also
// uses the first.
func variable(environ []string, name string) (string, bool) {
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value, true
		}
	}
	return "", false
}
