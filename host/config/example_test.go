package config_test

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/host/config"
)

// schemas is a fixed set of plugin schemas, in place of the schemas that a plugin manager reads
// from plugins.
type schemas map[string]string

func (s schemas) Schema(_ context.Context, kind, name string) (*config.Schema, error) {
	src, ok := s[kind+" "+name]
	if !ok {
		return nil, &config.UnknownPluginError{Kind: kind, Name: name}
	}
	return config.CompileSchema([]byte(src))
}

var plugins = schemas{
	"llm ollama": `{"type": "object", "additionalProperties": false, "required": ["model"],
		"properties": {"model": {"type": "string"}, "temperature": {"type": "number"}}}`,
	"memory buffer":  `{"type": "object", "additionalProperties": false, "properties": {"max_messages": {"type": "integer"}}}`,
	"storage memory": `{"type": "object", "additionalProperties": false}`,
}

func ExampleHost_Tenant() {
	base := config.FromMap("base", map[string]any{
		"defaults": map[string]any{"llm": map[string]any{"provider": "ollama", "model": "gemma3:1b"}},
	})
	host, err := config.LoadHost(config.LoadOptions{Document: base})
	if err != nil {
		fmt.Println(err)
		return
	}
	doc, err := config.ParseHCL("client-a.hcl", []byte(`
memory {
  max_messages = 10
}
prompts {
  system = "You are a support assistant."
}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	effective, err := host.Tenant(context.Background(), "client-a", config.Documents{Operator: doc}, plugins)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range effective.Explain() {
		if e.Path[0] != "limits" {
			fmt.Printf("%s = %v (%s)\n", e.Path, e.Value, e.Pos)
		}
	}
	// Output:
	// conversation_storage.backend = memory (built-in defaults)
	// conversations.owner = user (built-in defaults)
	// llm.model = gemma3:1b (base)
	// llm.provider = ollama (base)
	// memory.max_messages = 10 (client-a.hcl:3:3)
	// memory.type = buffer (built-in defaults)
	// prompts.system = You are a support assistant. (client-a.hcl:6:3)
}

func ExampleProblems() {
	host, err := config.LoadHost(config.LoadOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	doc, err := config.ParseYAML("client-b.yaml", []byte(`
llm: {provider: ollama, modle: "gemma3:1b", temperature: hot}
memory: {max_messages: 0.5}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = host.Tenant(context.Background(), "client-b", config.Documents{Operator: doc}, plugins)
	fmt.Println(err)
	// Output:
	// client-b.yaml:2:1: llm.model: is required; expected a text
	// client-b.yaml:2:25: llm.modle: unknown key; did you mean "model"?
	// client-b.yaml:2:45: llm.temperature: is a text; expected a number
	// client-b.yaml:3:10: memory.max_messages: is a number with a fraction; expected an integer
}
