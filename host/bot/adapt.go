package bot

import (
	"fmt"
	"slices"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// replacedParts counts the parts of earlier messages that the host replaced or left out, because
// the model cannot take them. It is a part of a turn's record.
type replacedParts struct {
	Media          int `json:"media,omitempty"`           // a note took their place
	Reasoning      int `json:"reasoning,omitempty"`       // left out
	Refusals       int `json:"refusals,omitempty"`        // their text took their place
	Other          int `json:"other,omitempty"`           // left out
	ProviderStates int `json:"provider_states,omitempty"` // left out beside parts that the model was shown
	ToolCalls      int `json:"tool_calls,omitempty"`      // without a result; left out
	ToolResults    int `json:"tool_results,omitempty"`    // without their call; left out
	Unknown        int `json:"unknown,omitempty"`         // of a later version's kind; left out
}

// adapt returns the earlier messages in a form that the turn's model can take, and records which parts
// it replaced or left out. It does not change the given messages. It leaves out a message of which no
// part is left.
func (t *turn) adapt(messages []chat.Message) []chat.Message {
	var out []chat.Message // nil as long as all messages are as they were
	var a adaptation
	if t.record.Replaced != nil {
		a.count = *t.record.Replaced // what withOpenCalls has counted
	}
	for i := range messages {
		if t.takesAll(messages[i].Parts) {
			if out != nil {
				out = append(out, messages[i])
			}
			continue
		}
		if out == nil {
			out = append(make([]chat.Message, 0, len(messages)), messages[:i]...)
		}
		m := messages[i]
		a.message = i
		if m.Parts = t.adaptParts(m.Parts, &a); len(m.Parts) > 0 {
			out = append(out, m)
		}
	}
	if out == nil {
		return messages
	}
	t.record.Replaced, t.record.Replacements = &a.count, a.at
	return out
}

// takesAll reports whether the model can take the parts as they are.
func (t *turn) takesAll(parts []chat.Part) bool {
	for i := range parts {
		p := &parts[i]
		own := t.isOwn(p.State)
		takes := p.State == nil || own
		switch p.Kind() {
		case chat.KindUnknown:
			takes = false
		case chat.KindMedia:
			takes = takes && llm.TakesMedia(t.traits, p.Media)
		case chat.KindReasoning:
			takes = own && t.takesReasoning()
		case chat.KindRefusal, chat.KindOther:
			takes = own
		case chat.KindToolResult:
			takes = takes && t.takesAll(p.ToolResult.Parts)
		}
		if !takes {
			return false
		}
	}
	return true
}

// adaptation collects what adapt replaces or leaves out.
type adaptation struct {
	count   replacedParts
	at      []replacement // the first maxExplained
	message int           // index of the message that adapt looks at
	path    []int         // replacement.Part of the part around those that adaptParts looks at; nil for the parts of a message
}

// note adds the place of a part that was replaced or left out. It does nothing after maxExplained
// places.
func (a *adaptation) note(part int, what string) {
	if len(a.at) < maxExplained {
		a.at = append(a.at, replacement{Message: a.message, Part: append(slices.Clone(a.path), part), What: what})
	}
}

// adaptParts returns the parts in a form that the turn's model can take, and adds to a what it replaced
// or left out.
func (t *turn) adaptParts(parts []chat.Part, a *adaptation) []chat.Part {
	count := &a.count
	out := make([]chat.Part, 0, len(parts))
	for i, p := range parts {
		own := t.isOwn(p.State)
		switch p.Kind() {
		case chat.KindUnknown:
			count.Unknown++
			a.note(i, "unknown")
			continue
		case chat.KindReasoning:
			if !own || !t.takesReasoning() {
				count.Reasoning++
				a.note(i, "reasoning")
				continue
			}
		case chat.KindOther:
			if !own {
				count.Other++
				a.note(i, "other")
				continue
			}
		case chat.KindMedia:
			if !llm.TakesMedia(t.traits, p.Media) {
				count.Media++
				a.note(i, "media")
				p = chat.Part{Text: mediaNote(p.Media)}
			}
		case chat.KindRefusal:
			if !own {
				count.Refusals++
				a.note(i, "refusals")
				p = chat.Part{Text: p.Refusal.Text}
			}
		case chat.KindToolResult:
			if !t.takesAll(p.ToolResult.Parts) {
				result := *p.ToolResult
				outer := a.path
				a.path = append(slices.Clone(outer), i)
				result.Parts = t.adaptParts(result.Parts, a)
				a.path = outer
				p.ToolResult = &result
			}
		}
		if p.State != nil && !own {
			count.ProviderStates++
			a.note(i, "provider_states")
			p.State = nil
		}
		out = append(out, p)
	}
	return out
}

// isOwn reports whether the state has the same maker as the turn's model. Only models of that maker can
// read it.
func (t *turn) isOwn(s *chat.ProviderState) bool {
	return s != nil && s.Maker != "" && s.Maker == t.traits.Maker
}

// takesReasoning reports whether the turn's model takes reasoning of its own maker. It returns true if
// the model's traits do not say.
func (t *turn) takesReasoning() bool { return t.traits.Reasoning == nil || *t.traits.Reasoning }

// mediaNote returns the text that the model is shown in place of media.
func mediaNote(m *chat.Media) string {
	what := m.Kind
	if what == "" {
		what = chat.File
	}
	if m.Name != "" {
		return fmt.Sprintf("[%s %q, which this model cannot take]", what, m.Name)
	}
	return fmt.Sprintf("[%s, which this model cannot take]", what)
}
