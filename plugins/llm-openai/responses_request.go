package openaillm

import (
	"cmp"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

// responsesParams converts a request to a request of the Responses API. The server stores nothing of
// it. So the model's reasoning comes encrypted, and the next request sends it back if keep is true. It
// returns fault.Invalid or fault.Unsupported with the path of what cannot be converted.
func (m *Model) responsesParams(s *settings, req *llm.Request, keep bool) (*responses.ResponseNewParams, error) {
	p := &responses.ResponseNewParams{
		Model: s.Model, Store: param.NewOpt(false),
		Include:     []responses.ResponseIncludable{responses.ResponseIncludableReasoningEncryptedContent},
		Temperature: opt(s.Temperature), TopP: opt(s.TopP),
		Reasoning: shared.ReasoningParam{
			Effort: shared.ReasoningEffort(s.Options.ReasoningEffort), Summary: shared.ReasoningSummary(s.Options.ReasoningSummary),
		},
		ServiceTier: responses.ResponseNewParamsServiceTier(s.Options.ServiceTier),

		PromptCacheRetention: responses.ResponseNewParamsPromptCacheRetention(s.Options.PromptCacheRetention),
	}
	p.Text.Verbosity = responses.ResponseTextConfigVerbosity(s.Options.Verbosity)
	if limit := maxTokens(s, req); limit > 0 {
		p.MaxOutputTokens = param.NewOpt(limit)
	}
	var err error
	if p.Input.OfInputItemList, err = m.responsesInput(req, keep); err != nil {
		return nil, err
	}
	if err := responsesTools(p, req); err != nil {
		return nil, err
	}
	return p, responsesFormat(p, req.ResponseFormat)
}

// responsesTools adds the tools of the request, and the choice of a tool.
func responsesTools(p *responses.ResponseNewParams, req *llm.Request) error {
	text, err := checkToolChoice(req)
	if err != nil || len(req.Tools) == 0 {
		return err
	}
	for i, t := range req.Tools {
		if t.Arguments == llm.ArgumentsText {
			p.Tools = append(p.Tools, responses.ToolUnionParam{OfCustom: &responses.CustomToolParam{Name: t.Name, Description: optText(t.Description)}})
			continue
		}
		schema, err := schemaOf(t.Parameters, "tools", fault.Index(i), "parameters")
		if err != nil {
			return err
		}
		p.Tools = append(p.Tools, responses.ToolUnionParam{OfFunction: &responses.FunctionToolParam{
			Name: t.Name, Description: optText(t.Description), Parameters: schema,
			Strict: param.NewOpt(false), // by default, the server changes the schema
		}})
	}
	switch req.ToolChoice.Mode {
	case llm.ToolNone:
		p.ToolChoice.OfToolChoiceMode = param.NewOpt(responses.ToolChoiceOptionsNone)
	case llm.ToolRequired:
		p.ToolChoice.OfToolChoiceMode = param.NewOpt(responses.ToolChoiceOptionsRequired)
	case llm.ToolNamed:
		if text {
			p.ToolChoice.OfCustomTool = &responses.ToolChoiceCustomParam{Name: req.ToolChoice.Name}
		} else {
			p.ToolChoice.OfFunctionTool = &responses.ToolChoiceFunctionParam{Name: req.ToolChoice.Name}
		}
	}
	p.ParallelToolCalls = opt(req.ParallelToolCalls)
	return nil
}

// responsesFormat adds the response format.
func responsesFormat(p *responses.ResponseNewParams, f llm.ResponseFormat) error {
	switch f.Type {
	case llm.FormatJSONObject:
		p.Text.Format.OfJSONObject = &shared.ResponseFormatJSONObjectParam{}
	case llm.FormatJSONSchema:
		schema, err := schemaOf(f.Schema, "response_format", "schema")
		if err != nil {
			return err
		}
		p.Text.Format.OfJSONSchema = &responses.ResponseFormatTextJSONSchemaConfigParam{
			Name: cmp.Or(f.Name, formatName), Schema: schema, Strict: param.NewOpt(f.Strict),
		}
	}
	return nil
}
