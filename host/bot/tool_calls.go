package bot

import (
	"crypto/rand"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// A turn may succeed with a reply that calls tools of the client. These calls are open until the
// next turn begins with their results.

// toolCallsOf returns the tool calls among the parts.
func toolCallsOf(parts []chat.Part) []chat.ToolCall {
	var calls []chat.ToolCall
	for i := range parts {
		if c := parts[i].ToolCall; c != nil {
			calls = append(calls, *c)
		}
	}
	return calls
}

// openCalls returns the last message of the newest turn if it calls tools. Otherwise it returns a
// message without parts.
func openCalls(stored []storage.Turn) (chat.Message, error) {
	if len(stored) == 0 || len(stored[len(stored)-1].Messages) == 0 {
		return chat.Message{}, nil
	}
	messages := stored[len(stored)-1].Messages
	last, err := messages[len(messages)-1].Decode()
	if err != nil || last.Role != chat.Assistant || len(toolCallsOf(last.Parts)) == 0 {
		return chat.Message{}, err
	}
	return last, nil
}

// checkAnswers returns an error unless the new messages begin with one result for each of the open
// calls. Providers refuse a conversation in which a call has no result.
func (t *turn) checkAnswers(open []chat.ToolCall) error {
	waiting := map[string]bool{}
	for _, c := range open {
		waiting[c.ID] = true
	}
	answered := map[string]bool{}
	for i := range t.messages {
		id, ok := resultOf(&t.messages[i])
		if !ok {
			break
		}
		path := fault.Path{"messages", fault.Index(i), "tool_call_id"}
		switch {
		case len(open) == 0:
			return fault.New(fault.Invalid, "is %.80q, and no call of a tool waits for its result; expected a message of the user", id).At(path...)
		case answered[id]:
			return fault.New(fault.Invalid, "is %.80q again; expected one result for each call", id).At(path...)
		case !waiting[id]:
			return fault.New(fault.Invalid, "is %.80q, and no such call waits for its result; expected results for %s", id, idsOf(open, answered)).At(path...)
		}
		answered[id] = true
	}
	if len(answered) == len(waiting) {
		return nil
	}
	path := "messages"
	if t.req.Message != "" {
		path = "message"
	}
	return fault.New(fault.Invalid, "calls of tools in the newest turn wait for their results; expected first a message of the role tool for %s, or retract_from with the number of that turn",
		idsOf(open, answered)).At(path)
}

// resultOf returns the id of the call of which the message has the result.
func resultOf(m *chat.Message) (id string, ok bool) {
	if m.Role != chat.Tool || len(m.Parts) == 0 || m.Parts[0].ToolResult == nil {
		return "", false
	}
	return m.Parts[0].ToolResult.ToolCallID, true
}

// maxNamedCalls bounds the calls that an error names.
const maxNamedCalls = 8

// idsOf returns the ids of the first calls that have no result yet, for an error.
func idsOf(calls []chat.ToolCall, answered map[string]bool) string {
	var ids []string
	for _, c := range calls {
		switch {
		case answered[c.ID]:
		case len(ids) == maxNamedCalls:
			return strings.Join(ids, ", ") + " and others"
		default:
			ids = append(ids, c.ID)
		}
	}
	return strings.Join(ids, ", ")
}

// withOpenCalls returns the earlier messages that the model is shown before the new ones. Each call
// in them has its result in the messages that follow it, and each result follows its call, because
// providers refuse other requests. calling is the message whose calls the new messages answer. If
// the memory left it out, withOpenCalls appends it. A message without parts means that there is none.
// stored has the turns of the tail, of which the newest has that message. withOpenCalls keeps t.sources
// beside the messages.
func (t *turn) withOpenCalls(earlier []chat.Message, calling chat.Message, stored []storage.Turn) []chat.Message {
	open := toolCallsOf(calling.Parts)
	if len(open) > 0 && (len(earlier) == 0 || !sameCalls(toolCallsOf(earlier[len(earlier)-1].Parts), open)) {
		earlier = append(earlier[:len(earlier):len(earlier)], calling)
		if t.bot.needs.Recall {
			t.sources = append(t.sources, recalledSource{Turn: stored[len(stored)-1].Number})
		}
	}
	paired := pairCalls(earlier, len(open) > 0)
	if paired.dropped.ToolCalls+paired.dropped.ToolResults > 0 {
		t.record.Replaced = &paired.dropped
	}
	if len(t.sources) == len(earlier) {
		sources := make([]recalledSource, len(paired.from))
		for i, from := range paired.from {
			sources[i] = t.sources[from]
		}
		t.sources = sources
	}
	return paired.messages
}

// sameCalls reports whether a and b have calls with the same ids in the same order.
func sameCalls(a, b []chat.ToolCall) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ID != b[i].ID {
			return false
		}
	}
	return true
}

// pairedCalls is a result of pairCalls.
type pairedCalls struct {
	messages []chat.Message
	from     []int         // index of each of the messages among those that pairCalls was given
	dropped  replacedParts // counts what was left out
}

// pairCalls returns the messages without calls that no result follows, and without results that
// follow no call. Messages of which nothing is left are left out. If lastIsOpen is true, the last
// message keeps its calls. pairCalls does not change the given messages.
func pairCalls(messages []chat.Message, lastIsOpen bool) pairedCalls {
	p := pairedCalls{messages: messages, from: make([]int, 0, len(messages))}
	if !slices.ContainsFunc(messages, hasTools) {
		for i := range messages {
			p.from = append(p.from, i)
		}
		return p
	}
	p.messages = make([]chat.Message, 0, len(messages))
	for i := 0; i < len(messages); i++ {
		calls := toolCallsOf(messages[i].Parts)
		end := i + 1
		for end < len(messages) && messages[end].Role == chat.Tool {
			end++
		}
		results := map[string]bool{}
		for _, m := range messages[i:end] {
			for _, p := range m.Parts {
				if p.ToolResult != nil {
					results[p.ToolResult.ToolCallID] = true
				}
			}
		}
		open := lastIsOpen && i == len(messages)-1
		called := map[string]bool{}
		for _, c := range calls {
			called[c.ID] = open || results[c.ID]
		}
		for j, m := range messages[i:end] {
			p.messages = keepParts(p.messages, m, func(part *chat.Part) bool {
				switch {
				case part.ToolCall != nil && !called[part.ToolCall.ID]:
					p.dropped.ToolCalls++
					return false
				case part.ToolResult != nil && !called[part.ToolResult.ToolCallID]:
					p.dropped.ToolResults++
					return false
				case part.ToolResult != nil:
					called[part.ToolResult.ToolCallID] = false // a second result of the call is left out
				}
				return true
			})
			if len(p.messages) > len(p.from) {
				p.from = append(p.from, i+j)
			}
		}
		i = end - 1
	}
	return p
}

// keepParts appends the message with those of its parts for which keep returns true. It appends
// nothing if no part is left. keep is called once for each part.
func keepParts(out []chat.Message, m chat.Message, keep func(*chat.Part) bool) []chat.Message {
	parts := make([]chat.Part, 0, len(m.Parts))
	for i := range m.Parts {
		if keep(&m.Parts[i]) {
			parts = append(parts, m.Parts[i])
		}
	}
	if len(parts) == 0 && len(m.Parts) > 0 {
		return out
	}
	if len(parts) < len(m.Parts) {
		m.Parts = parts
	}
	return append(out, m)
}

// nameCall gives a tool call of the reply an id if it has none, or has that of another call of the
// reply. The client's results name the calls by their ids.
func (t *turn) nameCall(d *llm.Delta) {
	if d.ToolCall == nil {
		return
	}
	if d.ToolCall.ID == "" || t.callIDs[d.ToolCall.ID] {
		named := *d.ToolCall
		named.ID = "call_" + rand.Text()
		d.ToolCall = &named
	}
	if t.callIDs == nil {
		t.callIDs = map[string]bool{}
	}
	t.callIDs[d.ToolCall.ID] = true
}
