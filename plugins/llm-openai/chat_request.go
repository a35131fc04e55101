package openaillm

import (
	"cmp"
	"encoding/json"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"
)

// chatParams converts a request to a request of chat completions. It returns fault.Invalid or
// fault.Unsupported with the path of what cannot be converted.
func (m *Model) chatParams(s *settings, req *llm.Request) (*openai.ChatCompletionNewParams, error) {
	p := &openai.ChatCompletionNewParams{
		Model:       s.Model,
		Temperature: opt(s.Temperature), TopP: opt(s.TopP), Seed: opt(s.Seed),
		FrequencyPenalty: opt(s.Options.FrequencyPenalty), PresencePenalty: opt(s.Options.PresencePenalty),
		ReasoningEffort: shared.ReasoningEffort(s.Options.ReasoningEffort),
		Verbosity:       openai.ChatCompletionNewParamsVerbosity(s.Options.Verbosity),
		ServiceTier:     openai.ChatCompletionNewParamsServiceTier(s.Options.ServiceTier),

		PromptCacheRetention: openai.ChatCompletionNewParamsPromptCacheRetention(s.Options.PromptCacheRetention),
	}
	if len(s.Stop) > 0 {
		p.Stop.OfStringArray = s.Stop
	}
	extra := map[string]any{}
	if limit := maxTokens(s, req); limit > 0 {
		// OpenAI's models that reason know only max_completion_tokens. Many other servers know only max_tokens.
		if s.own || s.Azure != nil {
			p.MaxCompletionTokens = param.NewOpt(limit)
		} else {
			p.MaxTokens = param.NewOpt(limit)
		}
	}
	if s.Options.StreamUsage == nil || *s.Options.StreamUsage {
		p.StreamOptions.IncludeUsage = param.NewOpt(true)
	}
	for name, set := range map[string]any{
		"top_k": s.Options.TopK, "min_p": s.Options.MinP, "repetition_penalty": s.Options.RepetitionPenalty,
	} {
		if text, err := json.Marshal(set); err == nil && string(text) != "null" {
			extra[name] = json.RawMessage(text)
		}
	}
	if len(s.Options.ChatTemplateKwargs) > 0 {
		extra["chat_template_kwargs"] = s.Options.ChatTemplateKwargs
	}
	if len(extra) > 0 {
		p.SetExtraFields(extra)
	}
	var err error
	if p.Messages, err = m.chatMessages(req); err != nil {
		return nil, err
	}
	if err := chatTools(p, req); err != nil {
		return nil, err
	}
	return p, chatFormat(p, req.ResponseFormat)
}

// maxTokens returns the most tokens that the reply may have. It is the lower of the limits of the
// request and of the configuration. 0 means that neither has a limit.
func maxTokens(s *settings, req *llm.Request) int64 {
	limit := int64(req.MaxOutputTokens)
	if own := s.MaxTokens; own != nil && (limit <= 0 || int64(*own) < limit) {
		limit = int64(*own)
	}
	return max(0, limit)
}

// opt returns an optional parameter, which is not sent if v is nil.
func opt[T comparable](v *T) param.Opt[T] {
	if v == nil {
		return param.Opt[T]{}
	}
	return param.NewOpt(*v)
}

// optText returns an optional parameter, which is not sent if text is empty.
func optText(text string) param.Opt[string] {
	if text == "" {
		return param.Opt[string]{}
	}
	return param.NewOpt(text)
}

// chatTools adds the tools of the request, and the choice of a tool.
func chatTools(p *openai.ChatCompletionNewParams, req *llm.Request) error {
	text, err := checkToolChoice(req)
	if err != nil || len(req.Tools) == 0 {
		return err
	}
	for i, t := range req.Tools {
		if t.Arguments == llm.ArgumentsText {
			p.Tools = append(p.Tools, openai.ChatCompletionToolUnionParam{OfCustom: &openai.ChatCompletionCustomToolParam{
				Custom: openai.ChatCompletionCustomToolCustomParam{Name: t.Name, Description: optText(t.Description)},
			}})
			continue
		}
		schema, err := schemaOf(t.Parameters, "tools", fault.Index(i), "parameters")
		if err != nil {
			return err
		}
		p.Tools = append(p.Tools, openai.ChatCompletionToolUnionParam{OfFunction: &openai.ChatCompletionFunctionToolParam{
			Function: shared.FunctionDefinitionParam{Name: t.Name, Description: optText(t.Description), Parameters: schema},
		}})
	}
	switch req.ToolChoice.Mode {
	case llm.ToolNone:
		p.ToolChoice.OfAuto = param.NewOpt("none")
	case llm.ToolRequired:
		p.ToolChoice.OfAuto = param.NewOpt("required")
	case llm.ToolNamed:
		if text {
			p.ToolChoice.OfCustomToolChoice = &openai.ChatCompletionNamedToolChoiceCustomParam{
				Custom: openai.ChatCompletionNamedToolChoiceCustomCustomParam{Name: req.ToolChoice.Name},
			}
		} else {
			p.ToolChoice.OfFunctionToolChoice = &openai.ChatCompletionNamedToolChoiceParam{
				Function: openai.ChatCompletionNamedToolChoiceFunctionParam{Name: req.ToolChoice.Name},
			}
		}
	}
	p.ParallelToolCalls = opt(req.ParallelToolCalls)
	return nil
}

// checkToolChoice returns fault.Invalid if the request must call a tool that it does not have. text
// reports whether the tool that it must call takes a text.
func checkToolChoice(req *llm.Request) (text bool, err error) {
	switch req.ToolChoice.Mode {
	case llm.ToolRequired:
		if len(req.Tools) == 0 {
			return false, fault.New(fault.Invalid, "asks for a call, but the request has no tools").At("tool_choice")
		}
	case llm.ToolNamed:
		for _, t := range req.Tools {
			if t.Name == req.ToolChoice.Name {
				return t.Arguments == llm.ArgumentsText, nil
			}
		}
		return false, fault.New(fault.Invalid, "names a tool that the request does not have").At("tool_choice", "name")
	}
	return false, nil
}

// schemaOf returns a JSON Schema for a request. The keys below the top keep their order. An empty text
// gives the schema of an object with any properties. A text that is no JSON object is fault.Invalid at
// path.
func schemaOf(text json.RawMessage, path ...string) (map[string]any, error) {
	out := map[string]any{}
	if len(text) == 0 {
		return map[string]any{"type": "object", "properties": map[string]any{}}, nil
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil || keys == nil {
		return nil, fault.New(fault.Invalid, "expected a JSON Schema, which is a JSON object").At(path...)
	}
	for name, value := range keys {
		out[name] = value
	}
	return out, nil
}

// formatName is the name of a response format to which the request gives no name. The API needs one.
const formatName = "reply"

// chatFormat adds the response format.
func chatFormat(p *openai.ChatCompletionNewParams, f llm.ResponseFormat) error {
	switch f.Type {
	case llm.FormatJSONObject:
		p.ResponseFormat.OfJSONObject = &shared.ResponseFormatJSONObjectParam{}
	case llm.FormatJSONSchema:
		schema, err := schemaOf(f.Schema, "response_format", "schema")
		if err != nil {
			return err
		}
		p.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{
			Name: cmp.Or(f.Name, formatName), Schema: schema, Strict: param.NewOpt(f.Strict),
		}}
	}
	return nil
}
