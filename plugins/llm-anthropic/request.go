package anthropic

import (
	"bytes"
	"encoding/json"
	"strings"

	api "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
	"github.com/anthropics/anthropic-sdk-go/v2/packages/param"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/schema"
)

// samplingVersion is an earlier version of the API than the one of Anthropic's client, which refuses
// temperature, top_p and top_k. samplingVersion takes them for the models that know them. Servers other
// than Anthropic's may know no later version.
const samplingVersion = "2023-06-01"

// message returns the body and the options of a request for a reply. It returns fault.Invalid or
// fault.Unsupported with the path of what the API does not take.
func (m *Model) message(req *llm.Request) (body []byte, opts []option.RequestOption, err error) {
	s, err := m.overridden(req.Overrides)
	if err != nil {
		return nil, nil, err
	}
	if d := m.known.newest.Load(); d != nil && d.reply > 0 && m.given.MaxTokens == 0 {
		s.MaxTokens = min(s.MaxTokens, d.reply) // the default may be more than the model's maximum
	}
	params, err := s.params(req, m.maker)
	if err != nil {
		return nil, nil, err
	}
	body, err = json.Marshal(params)
	if err != nil {
		return nil, nil, fault.New(fault.Invalid, "the request cannot be written as JSON: %w", err)
	}
	front, err := json.Marshal(s.untyped())
	if err != nil {
		return nil, nil, fault.New(fault.Invalid, "the request cannot be written as JSON: %w", err)
	}
	// Both are JSON objects with at least one member. This makes one object of them.
	body = append(append(front[:len(front)-1], ','), body[1:]...)
	return body, append(s.options(), option.WithHeader("Accept", eventStream)), nil
}

// sampling returns the parameters that the newest version of the API refuses.
func (s *settings) sampling() map[string]any {
	out := map[string]any{}
	if s.Temperature != nil {
		out["temperature"] = *s.Temperature
	}
	if s.TopP != nil {
		out["top_p"] = *s.TopP
	}
	if s.Options.TopK != nil {
		out["top_k"] = *s.Options.TopK
	}
	return out
}

// untyped returns the parameters that the Go types of Anthropic's client do not have: temperature,
// top_p, top_k, and the one that asks for a stream.
func (s *settings) untyped() map[string]any {
	out := s.sampling()
	out["stream"] = true
	return out
}

// options returns the options of the client that set the headers of a request.
func (s *settings) options() []option.RequestOption {
	var out []option.RequestOption
	if !s.ownAPI() || len(s.sampling()) > 0 {
		out = append(out, option.WithHeader("Anthropic-Version", samplingVersion))
	}
	if len(s.Options.Betas) > 0 {
		out = append(out, option.WithHeader("Anthropic-Beta", strings.Join(s.Options.Betas, ",")))
	}
	return out
}

// params returns the parameters of a request, except those of untyped. maker is the maker of the
// provider states that the model takes back.
func (s *settings) params(req *llm.Request, maker string) (*api.MessageNewParams, error) {
	var err error
	out := &api.MessageNewParams{Model: s.Model, MaxTokens: s.MaxTokens, StopSequences: s.Stop}
	if limit := int64(req.MaxOutputTokens); limit > 0 {
		out.MaxTokens = min(limit, out.MaxTokens)
	}
	if err := s.addOptions(out); err != nil {
		return nil, err
	}
	if out.OutputConfig.Format, err = format(req.ResponseFormat); err != nil {
		return nil, err
	}
	if out.Tools, err = tools(req.Tools); err != nil {
		return nil, err
	}
	if out.ToolChoice, err = s.toolChoice(req); err != nil {
		return nil, err
	}
	talk := &conversation{maker: maker, citations: s.Options.Citations}
	systems := 0
	for i := range req.Messages {
		if err := talk.add(&req.Messages[i], fault.Path{"messages", fault.Index(i)}); err != nil {
			return nil, err
		}
		if i+1 == req.Stable {
			talk.endFront()
			systems = len(talk.system)
		}
	}
	if last := len(req.Messages) - 1; last >= 0 && !talk.said {
		return nil, fault.New(fault.Invalid, "has nothing in it but blanks, which Anthropic refuses; expected a text").At("messages", fault.Index(last))
	}
	if out.System, out.Messages = talk.system, talk.messages(); len(out.Messages) == 0 {
		return nil, fault.New(fault.Invalid, "expected at least one with something in it").At("messages")
	}
	if req.Stable > 0 && s.Options.Cache != "off" {
		s.markFront(out, systems, talk.front)
	}
	return out, nil
}

// overridden returns the settings of the instance with the overrides of a request, which are a JSON
// object. An override that the instance does not take is an error with its path.
func (m *Model) overridden(overrides json.RawMessage) (settings, error) {
	if len(overrides) == 0 {
		return m.settings, nil
	}
	cfg, err := schema.Override(m.given, overrides)
	if err != nil {
		return settings{}, err
	}
	if most := m.MaxTokens; cfg.MaxTokens > most {
		cfg.MaxTokens = most // a request can only ask for fewer
	}
	s, err := cfg.settings()
	if f := fault.Of(err); f != nil { // a value that the schema cannot refuse
		return settings{}, f.At(f.Path.Below("overrides")...).By(fault.PartyCaller)
	}
	return s, nil
}

// addOptions adds the parameters of the block options. It returns fault.Invalid if the request allows
// too few tokens for thinking.
func (s *settings) addOptions(out *api.MessageNewParams) error {
	o := &s.Options
	out.OutputConfig.Effort = api.OutputConfigEffort(o.Effort)
	out.ServiceTier = api.MessageNewParamsServiceTier(o.ServiceTier)
	out.Speed = api.MessageNewParamsSpeed(o.Speed)
	if o.InferenceGeo != "" {
		out.InferenceGeo = param.NewOpt(o.InferenceGeo)
	}
	switch {
	case s.thinksByBudget():
		if out.MaxTokens <= leastThinking {
			return fault.New(fault.Invalid, "the reply may have %d tokens; options.thinking_budget needs more than %d", out.MaxTokens, leastThinking).
				At("max_output_tokens")
		}
		// The limit of the request may be lower than that of the configuration. Half of it is for the reply.
		budget := o.ThinkingBudget
		if budget >= out.MaxTokens {
			budget = max(leastThinking, out.MaxTokens/2)
		}
		out.Thinking.OfEnabled = &api.ThinkingConfigEnabledParam{BudgetTokens: budget, Display: api.ThinkingConfigEnabledDisplay(o.ThinkingDisplay)}
	case o.Thinking == "adaptive":
		out.Thinking.OfAdaptive = &api.ThinkingConfigAdaptiveParam{Display: api.ThinkingConfigAdaptiveDisplay(o.ThinkingDisplay)}
	case o.Thinking == "disabled":
		out.Thinking.OfDisabled = &api.ThinkingConfigDisabledParam{Type: "disabled"}
	case o.Thinking == "between_tools":
		out.Thinking.OfBetweenTools = &api.ThinkingConfigBetweenToolsParam{Type: "between_tools"}
	}
	return nil
}

// markFront sets the cache breakpoints after the tools, after the stable system texts, and at front,
// the last stable block. The next request will probably begin with the same. systems is the number of
// stable system texts. front may be nil.
func (s *settings) markFront(out *api.MessageNewParams, systems int, front *api.CacheControlEphemeralParam) {
	mark := api.NewCacheControlEphemeralParam()
	if s.Options.Cache != "5m" {
		mark.TTL = api.CacheControlEphemeralTTL(s.Options.Cache)
	}
	if n := len(out.Tools); n > 0 {
		*out.Tools[n-1].GetCacheControl() = mark
	}
	if systems > 0 {
		out.System[systems-1].CacheControl = mark
	}
	if front != nil {
		*front = mark
	}
}

// format converts a response format. The API cannot promise an arbitrary JSON object, so that is
// fault.Unsupported.
func format(f llm.ResponseFormat) (api.JSONOutputFormatParam, error) {
	switch f.Type {
	case llm.FormatDefault, llm.FormatText:
		return api.JSONOutputFormatParam{}, nil
	case llm.FormatJSONSchema:
		if !isObject(f.Schema) {
			return api.JSONOutputFormatParam{}, fault.New(fault.Invalid, "expected a JSON Schema, which is a JSON object").At("response_format", "schema")
		}
		// The plugin sends the schema unchanged, because the reply has its properties in the same order.
		return param.Override[api.JSONOutputFormatParam](map[string]any{"type": "json_schema", "schema": f.Schema}), nil
	}
	return api.JSONOutputFormatParam{}, unsupported(fault.Path{"response_format", "type"}, "Anthropic's API cannot be made to keep this form; expected text or a JSON schema")
}

// tools converts the tools of a request.
func tools(in []llm.Tool) ([]api.ToolUnionParam, error) {
	var out []api.ToolUnionParam
	for i := range in {
		t := &in[i]
		tool := &api.ToolParam{Name: t.Name}
		if t.Description != "" {
			tool.Description = param.NewOpt(t.Description)
		}
		parameters, err := inputSchema(t.Parameters)
		if err != nil {
			return nil, fault.New(fault.Invalid, "expected a JSON Schema of an object").At("tools", fault.Index(i), "parameters")
		}
		tool.InputSchema = param.Override[api.ToolInputSchemaParam](parameters)
		out = append(out, api.ToolUnionParam{OfTool: tool})
	}
	return out, nil
}

// inputSchema returns the schema of a tool's arguments. It adds only the type object if there is no
// type, because the API wants one.
func inputSchema(parameters json.RawMessage) (json.RawMessage, error) {
	if len(parameters) == 0 {
		return json.RawMessage(`{"type":"object","properties":{}}`), nil
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(parameters, &keys); err != nil || keys == nil {
		return nil, fault.New(fault.Invalid, "is no JSON object")
	}
	if _, ok := keys["type"]; ok {
		return parameters, nil
	}
	rest := bytes.TrimSpace(bytes.TrimSpace(parameters)[1:]) // what follows the first brace
	if rest[0] == '}' {
		return append(json.RawMessage(`{"type":"object"`), rest...), nil
	}
	return append(json.RawMessage(`{"type":"object",`), rest...), nil
}

// toolChoice converts the choice of a tool. A request without tools has none.
func (s *settings) toolChoice(req *llm.Request) (out api.ToolChoiceUnionParam, err error) {
	mode := req.ToolChoice.Mode
	forced := mode == llm.ToolRequired || mode == llm.ToolNamed
	switch {
	case len(req.Tools) == 0 && forced:
		return out, fault.New(fault.Invalid, "a call of a tool is required, but the request has no tools").At("tool_choice")
	case len(req.Tools) == 0:
		return out, nil
	case forced && s.thinks():
		return out, unsupported(fault.Path{"tool_choice"}, "a model that thinks cannot be made to call a tool; expected auto or none, or options.thinking = \"disabled\"")
	}
	var single param.Opt[bool]
	if p := req.ParallelToolCalls; p != nil && !*p {
		single = param.NewOpt(true)
	}
	switch mode {
	case llm.ToolNone:
		out.OfNone = &api.ToolChoiceNoneParam{Type: "none"}
	case llm.ToolRequired:
		out.OfAny = &api.ToolChoiceAnyParam{DisableParallelToolUse: single}
	case llm.ToolNamed:
		out.OfTool = &api.ToolChoiceToolParam{Name: req.ToolChoice.Name, DisableParallelToolUse: single}
	default:
		if single.Valid() {
			out.OfAuto = &api.ToolChoiceAutoParam{DisableParallelToolUse: single}
		}
	}
	return out, nil
}

func isObject(text json.RawMessage) bool {
	var object map[string]json.RawMessage
	return json.Unmarshal(text, &object) == nil && object != nil
}
