package openaillm

import (
	"encoding/json"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/openai/openai-go/v3"
)

// pendingCalls collects the tool calls of a reply, which come in pieces. The pieces of a call have its
// index. Some servers leave the index out, give all calls the index 0, or send no ids.
type pendingCalls struct{ list []*pendingCall }

// pendingCall is a call whose end has not come. Its texts are kept copies.
type pendingCall struct {
	index     int64
	id, name  string
	arguments strings.Builder
	value     jsonValue // whether the arguments are complete
	custom    bool      // the arguments are a text
	extra     string
	size      int64 // bytes that count for the call
}

// take adds a piece to the call that it belongs to, or begins a call. It returns errCut if the reply
// exceeds its bounds.
func (p *pendingCalls) take(r *reply, d *openai.ChatCompletionChunkChoiceDeltaToolCall) error {
	custom := d.JSON.ExtraFields["custom"].Raw()
	name, arguments := d.Function.Name, d.Function.Arguments
	if custom != "" {
		var c struct{ Name, Input string }
		_ = json.Unmarshal([]byte(custom), &c)
		name, arguments = c.Name, c.Input
	}
	c := p.find(d, name)
	if c == nil {
		if len(p.list)+r.parts.Parts() >= sdk.MaxReplyParts {
			return errCut
		}
		c = &pendingCall{index: d.Index}
		p.list = append(p.list, c)
	}
	id, extra := d.ID, d.JSON.ExtraFields["extra_content"].Raw()
	if extra == "null" {
		extra = ""
	}
	if err := r.hold(len(id) + len(name) + len(arguments) + len(extra)); err != nil { // also what comes again
		return err
	}
	if c.id != "" {
		id = ""
	}
	if name == c.name || len(c.name) > sdk.MaxNameBytes { // a longer name is refused with the call
		name = ""
	}
	if err := r.kept.Texts(&id, &name, &extra); err != nil {
		return err
	}
	if err := r.kept.Append(&c.arguments, arguments); err != nil {
		return err
	}
	c.size += int64(len(id) + len(name) + len(arguments) + len(extra))
	c.id += id
	c.name += name
	if extra != "" {
		c.extra = extra
	}
	c.custom = c.custom || custom != ""
	c.value.scan(arguments)
	return nil
}

// find returns the call that a piece belongs to, or nil if the piece begins a call.
func (p *pendingCalls) find(d *openai.ChatCompletionChunkChoiceDeltaToolCall, name string) *pendingCall {
	if len(p.list) == 0 {
		return nil
	}
	if !d.JSON.Index.Valid() {
		last := p.list[len(p.list)-1]
		switch {
		case d.ID != "" && d.ID == last.id, d.ID == "" && name == "":
			return last
		}
		return nil
	}
	for i := len(p.list) - 1; i >= 0; i-- {
		c := p.list[i]
		if c.index != d.Index {
			continue
		}
		if name == "" {
			return c
		}
		another := d.ID != c.id && d.ID != "" && c.id != ""
		if d.ID == "" || c.id == "" { // without both ids, only complete arguments say that the call has ended
			another = !c.custom && c.isWhole()
		}
		if another {
			return nil // another call with the same index
		}
		return c
	}
	return nil
}

// areWhole reports whether there are calls, and the arguments of all of them are complete.
func (p *pendingCalls) areWhole() bool {
	for _, c := range p.list {
		if !c.isWhole() {
			return false
		}
	}
	return len(p.list) > 0
}

// isWhole reports whether the arguments of the call are complete JSON. Arguments that are a text always
// count as complete.
func (c *pendingCall) isWhole() bool {
	return c.custom || c.value.isWhole(c.arguments.String())
}

// flush relays the calls in the order in which they began, and removes them.
func (p *pendingCalls) flush(r *reply) error {
	list := p.list
	p.list = nil
	for _, c := range list {
		id, err := r.callID(c.id)
		if err != nil {
			return err
		}
		d := llm.ToolCall(chat.ToolCall{ID: id, Name: c.name, Arguments: c.arguments.String()})
		if d.ToolCall.Arguments == "" && !c.custom {
			d.ToolCall.Arguments = "{}"
		}
		if c.extra != "" {
			if data, err := json.Marshal(chatState{Extra: json.RawMessage(c.extra)}); err == nil {
				d.State = r.state(data)
			}
		}
		r.size -= c.size // add counts it again
		if err := r.add(d); err != nil {
			return err
		}
	}
	return nil
}
