package llm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// CheckRequest returns fault.Unsupported, with its path, for the first thing in the request that the
// traits exclude, and for a part of a kind that this version does not know. An LLM that has traits
// may call it at the beginning of Chat.
func CheckRequest(req *Request, t sdk.LLMTraits) error {
	for i := range req.Messages {
		if err := checkParts(req.Messages[i].Parts, t); err != nil {
			return err.At(append(fault.Path{"messages", fault.Index(i)}, err.Path...)...)
		}
	}
	if err := checkTools(req, t.Tools); err != nil {
		return err
	}
	f := t.Formats
	switch kind := req.ResponseFormat.Type; {
	case kind < FormatDefault || kind > FormatJSONSchema:
		return unsupported(fault.Keys("response_format.type"), "is not known to this version")
	case f != nil && (kind == FormatJSONObject && !f.JSONObject || kind == FormatJSONSchema && !f.JSONSchema):
		return unsupported(fault.Keys("response_format.type"), "the model cannot be made to keep this form")
	}
	return nil
}

func unsupported(path fault.Path, format string, args ...any) error {
	return fault.New(fault.Unsupported, format, args...).At(path...)
}

// checkParts returns the error for the first part that the traits exclude, or nil. The parts are those
// of a message or of a tool result. The path of the error is relative to it: it begins with "parts".
func checkParts(parts []chat.Part, t sdk.LLMTraits) *fault.Error {
	for i := range parts {
		p := &parts[i]
		var err *fault.Error
		switch p.Kind() {
		case chat.KindUnknown:
			err = fault.New(fault.Unsupported, "is of a kind that this version does not know")
		case chat.KindMedia:
			if !TakesMedia(t, p.Media) {
				err = fault.New(fault.Unsupported, "is %s; %s", describeMedia(p.Media), mediaTaken(t))
			}
		case chat.KindReasoning:
			if t.Reasoning != nil && !*t.Reasoning {
				err = fault.New(fault.Unsupported, "is reasoning, which the model does not take")
			}
		case chat.KindToolResult:
			if err = checkParts(p.ToolResult.Parts, t); err != nil {
				err = err.At(append(fault.Path{"tool_result"}, err.Path...)...)
			}
		}
		if err != nil {
			return err.At(append(fault.Path{"parts", fault.Index(i)}, err.Path...)...)
		}
	}
	return nil
}

func checkTools(req *Request, t *sdk.ToolTraits) error {
	if mode := req.ToolChoice.Mode; mode < ToolAuto || mode > ToolNamed {
		return unsupported(fault.Keys("tool_choice.mode"), "is not known to this version")
	}
	for i, tool := range req.Tools {
		switch {
		case tool.Arguments < ArgumentsJSON || tool.Arguments > ArgumentsText:
			return unsupported(fault.Path{"tools", fault.Index(i), "arguments"}, "is not known to this version")
		case t != nil && tool.Arguments == ArgumentsText && !t.TextArguments:
			return unsupported(fault.Path{"tools", fault.Index(i), "arguments"}, "the model writes arguments as JSON only")
		}
	}
	switch {
	case t == nil:
	case len(req.Tools) > 0 && !t.Calls && req.ToolChoice.Mode != ToolNone:
		return unsupported(fault.Keys("tools"), "the model takes no tools")
	case req.ToolChoice.Mode == ToolRequired && !(t.Calls && t.Required), req.ToolChoice.Mode == ToolNamed && !(t.Calls && t.Named):
		return unsupported(fault.Keys("tool_choice"), "the model cannot be made to call a tool; expected auto or none")
	case req.ParallelToolCalls != nil && !t.ParallelChoice:
		return unsupported(fault.Keys("parallel_tool_calls"), "the model decides this itself")
	}
	return nil
}

// TakesMedia reports whether the traits let the model take the media.
func TakesMedia(t sdk.LLMTraits, m *chat.Media) bool {
	if t.Media == nil {
		return true
	}
	return slices.ContainsFunc(t.Media, func(k sdk.MediaKind) bool {
		return k.Kind == m.Kind && (len(k.Sources) == 0 || slices.Contains(k.Sources, sourceOf(m))) &&
			(len(k.Types) == 0 || slices.ContainsFunc(k.Types, func(t string) bool { return matchesType(t, m.MediaType) }))
	})
}

// matchesType reports whether a media type is of the form, which may end in "/*".
func matchesType(form, mediaType string) bool {
	if group, ok := strings.CutSuffix(form, "*"); ok {
		return strings.HasPrefix(strings.ToLower(mediaType), strings.ToLower(group))
	}
	return strings.EqualFold(form, mediaType)
}

func sourceOf(m *chat.Media) string {
	switch {
	case m.URL != "":
		return sdk.SourceURL
	case m.Reference != "":
		return sdk.SourceReference
	}
	return sdk.SourceData
}

// describeMedia returns words such as `media of the kind "image", the type "image/gif" and the
// source "url"`.
func describeMedia(m *chat.Media) string {
	return fmt.Sprintf("media of the kind %.40q, the type %.40q and the source %q", m.Kind, m.MediaType, sourceOf(m))
}

// mediaTaken returns words for the media that the traits list.
func mediaTaken(t sdk.LLMTraits) string {
	if len(t.Media) == 0 {
		return "the model takes no media"
	}
	var all []string
	for _, k := range t.Media {
		one := k.Kind
		if len(k.Types) > 0 {
			one += " of " + strings.Join(k.Types, ", ")
		}
		if len(k.Sources) > 0 {
			one += " as " + strings.Join(k.Sources, " or ")
		}
		all = append(all, one)
	}
	return "the model takes " + strings.Join(all, "; ")
}
