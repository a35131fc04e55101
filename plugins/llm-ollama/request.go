package ollama

import (
	"encoding/json"
	"maps"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// request converts req to a request of the Ollama API.
func (m *Model) request(req *llm.Request) (*api.ChatRequest, error) {
	if len(req.Messages) == 0 {
		// For a request without messages Ollama would only load the model and return an empty reply.
		return nil, fault.New(fault.Invalid, "expected at least one").At("messages")
	}
	stream := true
	out := &api.ChatRequest{
		Model: m.model, Stream: &stream, KeepAlive: m.keepAlive, Think: m.think, Truncate: m.truncate,
		Options: m.options,
	}
	if limit := req.MaxOutputTokens; limit > 0 && (m.numPredict <= 0 || limit < m.numPredict) {
		out.Options = maps.Clone(m.options)
		if out.Options == nil {
			out.Options = map[string]any{}
		}
		out.Options["num_predict"] = limit
	}
	var err error
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
	return nil, fault.New(fault.Invalid, "unknown type %d", f.Type).At("response_format", "type")
}

// tools converts tools to Ollama's form. Ollama's types have only a part of JSON Schema, and the server
// ignores the other keywords.
func tools(in []llm.Tool, choice llm.ToolChoice) (api.Tools, error) {
	switch choice.Mode {
	case llm.ToolAuto:
	case llm.ToolNone:
		return nil, nil
	default:
		return nil, fault.New(fault.Unsupported, "Ollama cannot be made to call a tool; expected auto or none").At("tool_choice")
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
