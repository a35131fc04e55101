package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/config"
)

// provider is the LLM that the sample tenants get, and why.
type provider struct {
	name, model, why string
	environ          []string // what makes the host use it
}

// String names it in one line.
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

// chooseProvider looks once for the Ollama server that the configuration asks
// for, and takes the echo where there is none. A configuration that asks for
// another provider gets it, and so does whoever set one in the environment.
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

func echo(why string) provider {
	return provider{name: "echo", why: why, environ: []string{providerVariable + "=echo"}}
}

// variable gives the first of the name, as the os package does.
func variable(environ []string, name string) (string, bool) {
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value, true
		}
	}
	return "", false
}
