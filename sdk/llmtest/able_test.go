package llmtest

import (
	"slices"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// able reports whether the parrot can do more than repeat: it calls tools, keeps response formats and
// takes reasoning. So can the parrots with a flaw in one of these.
func (p *parrot) able() bool {
	return slices.Contains([]string{
		"able", "calls another tool", "calls without id", "calls with no JSON", "calls with null", "calls nothing", "calls when it wants", "calls always",
		"stops with a call", "refuses results", "mute after results", "talks around JSON", "keeps no object", "keeps no schema", "refuses reasoning",
	}, p.flaw)
}

// call returns the call of a tool with which an able parrot replies, or nil.
func (p *parrot) call(req *llm.Request) *chat.ToolCall {
	mode := req.ToolChoice.Mode
	if !p.able() || len(req.Tools) == 0 || p.flaw == "calls nothing" {
		return nil
	}
	if mode != llm.ToolRequired && mode != llm.ToolNamed && !(p.flaw == "calls always" && mode == llm.ToolNone) {
		return nil
	}
	call := &chat.ToolCall{ID: "1", Name: req.Tools[0].Name, Arguments: `{"zone":"UTC"}`}
	switch p.flaw {
	case "calls another tool":
		call.Name = "watch"
	case "calls without id":
		call.ID = ""
	case "calls with no JSON":
		call.Arguments = "UTC"
	case "calls with null":
		call.Arguments = "null"
	case "calls when it wants":
		return nil
	}
	return call
}

// form returns the reply in the form that the request wants.
func (p *parrot) form(req *llm.Request, reply string) string {
	last := req.Messages[len(req.Messages)-1]
	if last.Role == chat.Tool && p.flaw != "mute after results" {
		reply = "The tool has spoken."
	}
	switch req.ResponseFormat.Type {
	case llm.FormatJSONObject:
		if reply = `{"said": 1}`; p.flaw == "keeps no object" {
			reply = `[{"said": 1}]`
		}
	case llm.FormatJSONSchema:
		if reply = `{"answer": "yes"}`; p.flaw == "keeps no schema" {
			reply = `{"answer": "perhaps"}`
		}
	default:
		return reply
	}
	if p.flaw == "talks around JSON" {
		reply = "Here it is: " + reply
	}
	return reply
}

// refuseAble refuses what a parrot with a flaw cannot do, although its traits say that it can.
func (p *parrot) refuseAble(req *llm.Request) error {
	for _, m := range req.Messages {
		for _, part := range m.Parts {
			switch {
			case p.flaw == "refuses results" && part.ToolResult != nil,
				p.flaw == "refuses reasoning" && part.Reasoning != nil,
				p.flaw == "sees no images" && part.Media != nil && part.Media.Kind == chat.Image && len(part.Media.Data) > 0:
				return fault.New(fault.Unsupported, "is too much for this parrot").At("messages")
			}
		}
	}
	return nil
}
