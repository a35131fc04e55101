package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// message is a message of an export.
type message struct {
	Role  string `json:"role"`
	Parts []part `json:"parts"`
}

// part is a text, a tool call, or a tool result.
type part struct {
	Text   string  `json:"text,omitempty"`
	Call   *call   `json:"tool_call,omitempty"`
	Result *result `json:"tool_result,omitempty"`
}

type call struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// openCall is a call without a result. stored is the id that it has in the library, and that its result
// names.
type openCall struct {
	*call
	stored string
}

type result struct {
	CallID string `json:"tool_call_id"`
	Name   string `json:"name,omitempty"`
	Parts  []part `json:"parts"`
}

// message converts the message of a node. It returns false if nothing of the message can be kept.
func (c *converter) message(n node) (message, bool) {
	content, left := contentOf(n.Message.Content)
	if raw, ok := n.Metadata["raw_content"].(string); ok && n.Message.Role == "user" {
		content, left = clean(raw), 0 // what the user wrote, without the text that the library added
	}
	if left > 0 {
		c.say("parts of a message in turn %d that are left out, because they are no texts: %d", c.current.Sequence, left)
	}
	switch n.Message.Role {
	case "tool", "function":
		return c.result(n.Message, content)
	case "assistant":
		m := message{Role: "assistant"}
		if content != "" {
			m.Parts = append(m.Parts, part{Text: content})
		}
		for _, stored := range callsOf(n) {
			called := c.newCall(stored)
			c.open = append(c.open, openCall{called, clean(stored.ID)})
			m.Parts = append(m.Parts, part{Call: called})
		}
		if len(m.Parts) == 0 {
			c.say("an empty reply in turn %d is left out", c.current.Sequence)
		}
		return m, len(m.Parts) > 0
	}
	if content == "" {
		c.say("a message of the user without text in turn %d is left out", c.current.Sequence)
		return message{}, false
	}
	return message{Role: "user", Parts: []part{{Text: content}}}, true
}

// callsOf returns the tool calls of a message. Early versions of the library stored them in the
// metadata of the node.
func callsOf(n node) []storedCall {
	if len(n.Message.ToolCalls) > 0 || n.Metadata["tool_calls"] == nil {
		return n.Message.ToolCalls
	}
	var calls []storedCall
	if b, err := json.Marshal(n.Metadata["tool_calls"]); err != nil || json.Unmarshal(b, &calls) != nil {
		return nil
	}
	return calls
}

// newCall returns a call with an id that no earlier call of the turn has. In the library some calls have
// no id, and some the id of another call.
func (c *converter) newCall(stored storedCall) *call {
	c.calls++
	out := &call{ID: clean(stored.ID), Name: clean(stored.Name), Arguments: "{}"}
	for n := c.calls; out.ID == "" || c.ids[out.ID]; n++ {
		out.ID = fmt.Sprintf("call_%d_%d", c.current.Sequence, n)
	}
	if c.ids == nil {
		c.ids = map[string]bool{}
	}
	c.ids[out.ID] = true
	var arguments string
	switch p := stored.Parameters; {
	case len(p) == 0 || string(p) == "null":
	case json.Unmarshal(p, &arguments) == nil:
		out.Arguments = clean(arguments)
	default:
		var compact bytes.Buffer
		_ = json.Compact(&compact, p) // cannot fail, because p was decoded from JSON
		out.Arguments = clean(compact.String())
	}
	return out
}

// result converts a tool result. It belongs to the open call with its id. If there is none, it belongs
// to the first open call of its tool, or to the first open call if the tool is unknown. result returns
// false if no call is open for it.
func (c *converter) result(m storedMessage, content string) (message, bool) {
	id := clean(m.ToolCallID)
	at := slices.IndexFunc(c.open, func(o openCall) bool { return id != "" && o.stored == id })
	if at < 0 {
		at = slices.IndexFunc(c.open, func(o openCall) bool { return m.Name == "" || o.Name == m.Name })
	}
	if at < 0 {
		c.say("a result of a tool in turn %d is left out: nothing called it", c.current.Sequence)
		return message{}, false
	}
	answered := c.open[at]
	c.open = slices.Delete(c.open, at, at+1)
	r := &result{CallID: answered.ID, Name: answered.Name, Parts: []part{}}
	if content != "" {
		r.Parts = append(r.Parts, part{Text: content})
	}
	return message{Role: "tool", Parts: []part{{Result: r}}}, true
}

// dropOpenCalls removes the calls of the current turn that have no result, because models refuse such
// calls. It also removes messages that are empty then.
func (c *converter) dropOpenCalls() {
	if len(c.open) == 0 {
		return
	}
	c.say("calls of tools in turn %d that are left out, because they have no results: %d", c.current.Sequence, len(c.open))
	for i := range c.current.Messages {
		m := &c.current.Messages[i]
		m.Parts = slices.DeleteFunc(m.Parts, func(p part) bool {
			return p.Call != nil && slices.ContainsFunc(c.open, func(o openCall) bool { return o.call == p.Call })
		})
	}
	c.current.Messages = slices.DeleteFunc(c.current.Messages, func(m message) bool { return len(m.Parts) == 0 })
}

// contentOf returns the text of a message's content, which is a text or a list of parts. left is the
// number of parts that are not texts.
func contentOf(content json.RawMessage) (joined string, left int) {
	var whole string
	if len(content) == 0 || json.Unmarshal(content, &whole) == nil {
		return clean(whole), 0
	}
	var parts []json.RawMessage
	if json.Unmarshal(content, &parts) != nil {
		return "", 1
	}
	var texts []string
	for _, p := range parts {
		var one struct{ Text *string }
		var plain string
		switch {
		case json.Unmarshal(p, &plain) == nil:
			texts = append(texts, plain)
		case json.Unmarshal(p, &one) == nil && one.Text != nil:
			texts = append(texts, *one.Text)
		default:
			left++
		}
	}
	return clean(strings.Join(texts, "\n")), left
}
