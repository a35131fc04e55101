package llm

import (
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// Delta is a part of a reply, or a piece of one. [Text], [Reasoning] and [ToolCall] make the usual
// ones.
//
// Text, reasoning and refusals may come in pieces, which may be cut anywhere, also within a
// character. A piece continues the part before it if that part is of the same kind and has neither
// Citations nor a State yet. Every other Delta begins a part. The last piece of a part brings the
// part's Citations and State, and may have no text of its own. A piece without text, Citations and
// State is ignored. Other kinds come whole.
type Delta struct {
	chat.Part
	// Begins says that a new part begins, although the Delta could continue the part before it.
	Begins bool
	// Usage is the usage of the reply so far, if the plugin knows it, or zero. The host records it
	// when the caller goes away before the Finish.
	Usage chat.Usage
}

// Text returns a piece of the reply's text.
func Text(text string) Delta { return Delta{Part: chat.Part{Text: text}} }

// Reasoning returns a piece of the reply's reasoning.
func Reasoning(text string) Delta {
	return Delta{Part: chat.Part{Reasoning: &chat.Reasoning{Text: text}}}
}

// ToolCall returns a call of a tool, which is complete.
func ToolCall(call chat.ToolCall) Delta { return Delta{Part: chat.Part{ToolCall: &call}} }

// Streams reports whether the Delta may be one of several pieces of a part.
func (d *Delta) Streams() bool {
	switch d.Kind() {
	case chat.KindText, chat.KindReasoning, chat.KindRefusal:
		return true
	}
	return false
}

// PieceText returns the text of a Delta that Streams. For other kinds it returns "".
func (d *Delta) PieceText() string {
	switch {
	case d.Reasoning != nil:
		return d.Reasoning.Text
	case d.Refusal != nil:
		return d.Refusal.Text
	}
	return d.Text
}

// SetPieceText replaces the text of a Delta that Streams. It does not change what the Delta points
// to.
func (d *Delta) SetPieceText(text string) {
	switch {
	case d.Reasoning != nil:
		d.Reasoning = &chat.Reasoning{Text: text, Unknown: d.Reasoning.Unknown}
	case d.Refusal != nil:
		d.Refusal = &chat.Refusal{Text: text, Unknown: d.Refusal.Unknown}
	default:
		d.Text = text
	}
}

// EndsPart reports whether no later Delta continues the part.
func (d *Delta) EndsPart() bool {
	return !d.Streams() || d.State != nil || len(d.Citations) > 0 || len(d.Unknown) > 0
}

// IsNothing reports whether the Delta adds nothing to the reply.
func (d *Delta) IsNothing() bool {
	return !d.Begins && !d.EndsPart() && d.PieceText() == ""
}

// Check returns fault.Internal, with the plugin as party, for a Delta that no reply may have: a
// result of a tool, or a name of more than sdk.MaxNameBytes.
func (d *Delta) Check() error {
	switch {
	case d.ToolResult != nil:
		return broken("a reply has a result of a tool")
	case d.ToolCall != nil:
		return checkNames("tool call", d.ToolCall.ID, d.ToolCall.Name)
	case d.Media != nil:
		return checkNames("medium", d.Media.Kind, d.Media.MediaType, d.Media.Name)
	case d.Other != nil:
		return checkNames("part", d.Other.Type)
	}
	return nil
}

func checkNames(of string, names ...string) error {
	for _, name := range names {
		if len(name) > sdk.MaxNameBytes {
			return broken("a %s of the reply has a name of %d bytes; at most %d are allowed", of, len(name), sdk.MaxNameBytes)
		}
	}
	return nil
}

func broken(format string, args ...any) error {
	return fault.New(fault.Internal, format, args...).By(fault.PartyPlugin)
}
