package ollama

import (
	"encoding/json"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/schema"
	"github.com/ollama/ollama/api"
)

// request converts req to a request of the Ollama API.
func (m *Model) request(req *llm.Request) (*api.ChatRequest, error) {
	if len(req.Messages) == 0 {
		// For a request without messages Ollama would only load the model and return an empty reply.
		return nil, fault.New(fault.Invalid, "expected at least one").At("messages")
	}
	s, err := m.overridden(req.Overrides)
	if err != nil {
		return nil, err
	}
	stream := true
	out := &api.ChatRequest{
		Model: s.model, Stream: &stream, KeepAlive: s.keepAlive, Think: s.think, Truncate: s.truncate,
		Options: s.options,
	}
	if limit := req.MaxOutputTokens; limit > 0 && (s.numPredict <= 0 || limit < s.numPredict) {
		out.Options = withLimit(s.options, limit)
	}
	if out.Messages, err = messages(req.Messages); err != nil {
		return nil, err
	}
	if out.Tools, err = tools(req.Tools, req.ToolChoice); err != nil {
		return nil, err
	}
	if out.Format, err = format(req.ResponseFormat); err != nil {
		return nil, err
	}
	return out, nil
}

// overridden returns the settings in which the overrides of a request count.
func (m *Model) overridden(overrides json.RawMessage) (settings, error) {
	if len(overrides) == 0 {
		return m.settings, nil
	}
	cfg, err := schema.Override(m.config, overrides)
	if err != nil {
		return settings{}, err
	}
	var asked Config
	if err := json.Unmarshal(overrides, &asked); err != nil {
		return settings{}, err
	}
	cfg.preferAsked(&asked)
	s, err := cfg.settings()
	if f := fault.Of(err); f != nil { // a value that the schema cannot refuse
		return settings{}, f.At(f.Path.Below("overrides")...).By(fault.PartyCaller)
	}
	return s, nil
}

func format(f llm.ResponseFormat) (json.RawMessage, error) {
	switch f.Type {
	case llm.FormatDefault, llm.FormatText:
		return nil, nil
	case llm.FormatJSONObject:
		return json.RawMessage(`"json"`), nil
	case llm.FormatJSONSchema:
		var object map[string]json.RawMessage
		if err := json.Unmarshal(f.Schema, &object); err != nil || object == nil {
			return nil, fault.New(fault.Invalid, "expected a JSON Schema, which is a JSON object").At("response_format", "schema")
		}
		return f.Schema, nil
	}
	return nil, fault.New(fault.Unsupported, "is not known to this version").At("response_format", "type")
}

// tools converts tools to Ollama's form. Ollama's types have only a part of JSON Schema, and the server
// ignores the other keywords.
func tools(in []llm.Tool, choice llm.ToolChoice) (api.Tools, error) {
	if choice.Mode == llm.ToolNone {
		return nil, nil
	}
	var out api.Tools
	for i, t := range in {
		f := api.ToolFunction{Name: t.Name, Description: t.Description}
		if len(t.Parameters) > 0 {
			if err := json.Unmarshal(t.Parameters, &f.Parameters); err != nil {
				return nil, fault.New(fault.Invalid, "expected a JSON Schema that Ollama understands: %w", err).
					At("tools", fault.Index(i), "parameters")
			}
		}
		if f.Parameters.Type == "" {
			f.Parameters.Type = "object"
		}
		if f.Parameters.Properties == nil {
			f.Parameters.Properties = api.NewToolPropertiesMap()
		}
		out = append(out, api.Tool{Type: "function", Function: f})
	}
	return out, nil
}
