package llmtest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// later is a field of the protocol that no version has: number 1000, with the text "later".
var later = chat.Unknown("\xc2\x3e\x05later")

func checkParts(ctx context.Context, env *Env) error {
	h, _, err := env.chat(ctx, env.LLM, request("Please reply."), nil)
	if err != nil {
		return fmt.Errorf("chat: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.part != nil {
		return h.part
	}
	parts := h.reply.Parts()
	if len(parts) > sdk.MaxReplyParts {
		return fmt.Errorf("the reply has %d parts; at most %d are allowed", len(parts), sdk.MaxReplyParts)
	}
	if n := chat.StateSize(parts); n > sdk.MaxProviderStateBytes {
		return fmt.Errorf("the provider states of the reply have %d bytes; at most %d are allowed", n, sdk.MaxProviderStateBytes)
	}
	traits, known := env.traits(ctx)
	for i := range parts {
		if s := parts[i].State; s != nil && s.Maker != "" && known && s.Maker != traits.Maker {
			return fmt.Errorf("part %d has a provider state of the maker %q; want none or %q", i, s.Maker, traits.Maker)
		}
	}
	return nil
}

func checkUnknownFields(ctx context.Context, env *Env) error {
	req := request("Hello.")
	for i := range req.Messages {
		req.Messages[i].Unknown = later
		req.Messages[i].Parts[0].Unknown = later
	}
	if _, _, err := env.chat(ctx, env.LLM, req, nil); err != nil {
		return fmt.Errorf("chat with unknown fields: %w", err)
	}
	return nil
}

// refuses returns an error if the LLM does not refuse the request with the class and the path. what
// names the request in errors. The path of an error may be shorter if it is not in a message: a host
// refuses a whole field for a plugin that lacks the feature of the field.
func (e *Env) refuses(ctx context.Context, what string, req *llm.Request, class fault.Class, path ...string) error {
	_, _, err := e.chat(ctx, e.LLM, req, nil)
	var refusal *fault.Error
	switch {
	case err == nil:
		return fmt.Errorf("%s: chat succeeded; want a refusal at %s", what, fault.Path(path))
	case !errors.As(err, &refusal) || refusal.Class != class:
		return fmt.Errorf("%s: error %w; want one of class %s", what, err, class)
	case class == fault.Unsupported && path[0] != "messages" && slices.Equal(refusal.Path, path[:1]):
	case !slices.Equal(refusal.Path, path):
		return fmt.Errorf("%s: refused at %s (%w); want it at %s", what, refusal.Path, err, fault.Path(path))
	}
	return nil
}

func (e *Env) refusesPart(ctx context.Context, what string, role chat.Role, part chat.Part) error {
	req := request("Look at this.")
	last := &req.Messages[len(req.Messages)-1]
	if role == last.Role {
		last.Parts = append(last.Parts, part)
	} else {
		req.Messages = []chat.Message{req.Messages[0], {Role: role, Parts: []chat.Part{{Text: "Well."}, part}}, *last}
	}
	return e.refuses(ctx, what, req, fault.Unsupported, "messages", "1", "parts", "1")
}

func checkRefusesUnknownParts(ctx context.Context, env *Env) error {
	return env.refusesPart(ctx, "a part of an unknown kind", chat.User, chat.Part{Unknown: later})
}

func checkRefusesMedia(ctx context.Context, env *Env) error {
	traits, known := env.traits(ctx)
	if !known || traits.Media == nil {
		return ErrSkip
	}
	var errs []error
	for _, m := range []*chat.Media{
		{Kind: chat.Image, MediaType: "image/png", Data: []byte("\x89PNG\r\n\x1a\n")},
		{Kind: chat.Image, MediaType: "image/png", URL: "https://example.org/a.png"},
		{Kind: chat.Image, MediaType: "image/png", Reference: "file-1"},
		{Kind: chat.Audio, MediaType: "audio/wav", Data: []byte("RIFF")},
		{Kind: chat.Video, MediaType: "video/mp4", URL: "https://example.org/a.mp4"},
		{Kind: chat.File, MediaType: "application/pdf", Data: []byte("%PDF-"), Name: "a.pdf"},
	} {
		if !llm.TakesMedia(traits, m) {
			errs = append(errs, env.refusesPart(ctx, fmt.Sprintf("media %s of type %s", m.Kind, m.MediaType), chat.User, chat.Part{Media: m}))
		}
	}
	return errors.Join(errs...)
}

func withTool(arguments llm.ArgumentsForm) *llm.Request {
	req := request("What is the time?")
	tool := llm.Tool{Name: "clock", Description: "Tells the time.", Arguments: arguments}
	if arguments == llm.ArgumentsJSON {
		tool.Parameters = []byte(`{"type":"object","properties":{}}`)
	}
	req.Tools = []llm.Tool{tool}
	return req
}

func checkRefusesTools(ctx context.Context, env *Env) error {
	traits, known := env.traits(ctx)
	switch {
	case !known || traits.Tools == nil:
		return ErrSkip
	case !traits.Tools.Calls:
		return env.refuses(ctx, "a tool", withTool(llm.ArgumentsJSON), fault.Unsupported, "tools")
	case !traits.Tools.TextArguments:
		return env.refuses(ctx, "a tool with text arguments", withTool(llm.ArgumentsText), fault.Unsupported, "tools", "0", "arguments")
	}
	return nil
}

func checkRefusesToolChoice(ctx context.Context, env *Env) error {
	traits, known := env.traits(ctx)
	if !known || traits.Tools == nil || !traits.Tools.Calls {
		return ErrSkip
	}
	var errs []error
	refuses := func(takes bool, what, path string, choose func(*llm.Request)) {
		if !takes {
			req := withTool(llm.ArgumentsJSON)
			choose(req)
			errs = append(errs, env.refuses(ctx, what, req, fault.Unsupported, path))
		}
	}
	refuses(traits.Tools.Required, "a required tool", "tool_choice", func(r *llm.Request) { r.ToolChoice.Mode = llm.ToolRequired })
	refuses(traits.Tools.Named, "a named tool", "tool_choice", func(r *llm.Request) {
		r.ToolChoice = llm.ToolChoice{Mode: llm.ToolNamed, Name: "clock"}
	})
	refuses(traits.Tools.ParallelChoice, "a choice of parallel calls", "parallel_tool_calls", func(r *llm.Request) { r.ParallelToolCalls = new(bool) })
	return errors.Join(errs...)
}

func checkRefusesFormats(ctx context.Context, env *Env) error {
	traits, known := env.traits(ctx)
	if !known || traits.Formats == nil {
		return ErrSkip
	}
	var errs []error
	for _, f := range []struct {
		takes  bool
		what   string
		format llm.ResponseFormat
	}{
		{traits.Formats.JSONObject, "a JSON object", llm.ResponseFormat{Type: llm.FormatJSONObject}},
		{traits.Formats.JSONSchema, "a JSON schema", llm.ResponseFormat{Type: llm.FormatJSONSchema, Name: "s", Schema: []byte(`{"type":"object"}`)}},
	} {
		if !f.takes {
			req := request("Hello.")
			req.ResponseFormat = f.format
			errs = append(errs, env.refuses(ctx, f.what, req, fault.Unsupported, "response_format", "type"))
		}
	}
	return errors.Join(errs...)
}

func checkRefusesReasoning(ctx context.Context, env *Env) error {
	traits, known := env.traits(ctx)
	if !known || traits.Reasoning == nil || *traits.Reasoning {
		return ErrSkip
	}
	return env.refusesPart(ctx, "reasoning", chat.Assistant, chat.Part{Reasoning: &chat.Reasoning{Text: "hm"}})
}

func checkOverrides(ctx context.Context, env *Env) error {
	if !env.overrides {
		return ErrSkip
	}
	req := request("Hello.")
	req.Overrides = []byte(`{"botyard_kit_no_such_key": 0}`)
	return env.refuses(ctx, "an override of an unknown key", req, fault.Invalid, "overrides", "botyard_kit_no_such_key")
}
