package bot

import (
	"fmt"

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

// adapt returns the earlier messages as the model can take them, and records what differs. It
// does not change the messages. Messages of which nothing is left are left out.
func (t *turn) adapt(messages []chat.Message) []chat.Message {
	var out []chat.Message // nil as long as all messages are as they were
	var count replacedParts
	if t.record.Replaced != nil {
		count = *t.record.Replaced // of withOpenCalls
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
		if m.Parts = t.adaptParts(m.Parts, &count); len(m.Parts) > 0 {
			out = append(out, m)
		}
	}
	if out == nil {
		return messages
	}
	t.record.Replaced = &count
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

// adaptParts returns the parts as the model can take them, and counts what it replaced.
func (t *turn) adaptParts(parts []chat.Part, count *replacedParts) []chat.Part {
	out := make([]chat.Part, 0, len(parts))
	for _, p := range parts {
		own := t.isOwn(p.State)
		switch p.Kind() {
		case chat.KindUnknown:
			count.Unknown++
			continue
		case chat.KindReasoning:
			if !own || !t.takesReasoning() {
				count.Reasoning++
				continue
			}
		case chat.KindOther:
			if !own {
				count.Other++
				continue
			}
		case chat.KindMedia:
			if !llm.TakesMedia(t.traits, p.Media) {
				count.Media++
				p = chat.Part{Text: mediaNote(p.Media)}
			}
		case chat.KindRefusal:
			if !own {
				count.Refusals++
				p = chat.Part{Text: p.Refusal.Text}
			}
		case chat.KindToolResult:
			if !t.takesAll(p.ToolResult.Parts) {
				result := *p.ToolResult
				result.Parts = t.adaptParts(result.Parts, count)
				p.ToolResult = &result
			}
		}
		if p.State != nil && !own {
			count.ProviderStates++
			p.State = nil
		}
		out = append(out, p)
	}
	return out
}

// isOwn reports whether the state is of the maker of the model's instance.
func (t *turn) isOwn(s *chat.ProviderState) bool {
	return s != nil && s.Maker != "" && s.Maker == t.traits.Maker
}

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
