package openaillm

import (
	"encoding/json"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/upstream"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/respjson"
)

// chatReply receives the chunks of a chat completion.
type chatReply struct {
	reply
	keep  bool // the next request sends the reasoning back
	calls pendingCalls

	field    string // the name of the field in which the server sends reasoning
	details  reasoningDetails
	thinking bool // the newest part is reasoning, and has no state yet
	cited    []chat.Citation
	citing   int64  // bytes of cited
	reason   string // finish_reason; "" as long as there is none
}

func (r *chatReply) base() *reply { return &r.reply }

// take implements taker.
func (r *chatReply) take(c *openai.ChatCompletionChunk) error {
	r.named(c.Model)
	for _, text := range []string{c.JSON.Usage.Raw(), member(c.JSON.ExtraFields["x_groq"].Raw(), "usage")} {
		if u := usageOf(text); u != nil {
			r.usage = u
		}
	}
	if c.JSON.Object.Raw() == `"error"` { // the form of vLLM
		return r.model.reported(parseSaid([]byte(c.RawJSON())))
	}
	for i := range c.Choices {
		one := &c.Choices[i]
		if one.Index != 0 {
			continue // the plugin asks for one reply
		}
		if u := usageOf(one.JSON.ExtraFields["usage"].Raw()); u != nil {
			r.usage = u
		}
		if err := r.takeDelta(&one.Delta); err != nil {
			return err
		}
		if one.FinishReason != "" && r.reason == "" {
			if err := r.complete(one.FinishReason); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeDelta relays what a chunk adds to the reply: reasoning, then a text or a refusal, then tool
// calls. Models make them in this order.
func (r *chatReply) takeDelta(d *openai.ChatCompletionChunkChoiceDelta) error {
	if r.reason != "" {
		return nil // the reply is complete
	}
	pieces := pieces(d)
	if pieces.details != "" {
		if err := r.hold(len(pieces.details)); err != nil {
			return err
		}
		if err := r.kept.Count(r.details.add(pieces.details)); err != nil {
			return err
		}
		r.thinking = true
	}
	if pieces.reasoning != "" {
		if err := r.beforeText(false); err != nil {
			return err
		}
		r.field, r.thinking = pieces.field, true
		if err := r.add(llm.Reasoning(pieces.reasoning)); err != nil {
			return err
		}
	}
	for _, piece := range []llm.Delta{llm.Text(pieces.text), {Part: chat.Part{Refusal: &chat.Refusal{Text: d.Refusal}}}} {
		if piece.IsNothing() {
			continue
		}
		if err := r.beforeText(true); err != nil {
			return err
		}
		if err := r.add(piece); err != nil {
			return err
		}
	}
	for i := range d.ToolCalls {
		if err := r.endThinking(); err != nil {
			return err
		}
		if err := r.calls.take(&r.reply, &d.ToolCalls[i]); err != nil {
			return err
		}
	}
	return r.cite(citations(d.JSON.ExtraFields["annotations"].Raw(), maxCitations-len(r.cited)))
}

// cite keeps citations until the reply is complete, because they end its text.
func (r *chatReply) cite(more []chat.Citation) error {
	for _, c := range more {
		n := len(c.URL) + len(c.Title)
		if err := r.hold(n); err != nil {
			return err
		}
		if err := r.kept.Texts(&c.URL, &c.Title); err != nil {
			return err
		}
		r.citing += int64(n)
		r.cited = append(r.cited, c)
	}
	return nil
}

// beforeText relays what must come before a piece of text or of reasoning. Before both it relays the
// calls, if all are complete. Before a text it also ends the reasoning. text says that the piece is a
// text.
func (r *chatReply) beforeText(text bool) error {
	if text {
		if err := r.endThinking(); err != nil {
			return err
		}
	}
	if r.calls.areWhole() {
		return r.calls.flush(&r.reply)
	}
	return nil
}

// endThinking ends a part of reasoning with its provider state, with which the next request sends the
// reasoning back.
func (r *chatReply) endThinking() error {
	if !r.thinking {
		return nil
	}
	r.thinking = false
	state := chatState{Field: r.field, Details: r.details.json()}
	r.details = reasoningDetails{}
	if !r.keep {
		return nil
	}
	data, err := json.Marshal(state)
	if err != nil {
		return nil
	}
	return r.add(llm.Delta{Part: chat.Part{Reasoning: &chat.Reasoning{}, State: r.state(data)}})
}

// complete relays the rest of a reply that has ended: the state of its reasoning, its calls and its
// citations. reason is the server's reason for the end.
func (r *chatReply) complete(reason string) error {
	if err := r.endThinking(); err != nil {
		return err
	}
	if err := r.calls.flush(&r.reply); err != nil {
		return err
	}
	r.reason = upstream.Beginning(reason, maxReason)
	if len(r.cited) > 0 && !r.called && !r.refused {
		r.size -= r.citing // add counts them again
		return r.add(llm.Delta{Part: chat.Part{Citations: r.cited}})
	}
	if reason == "error" { // OpenRouter sends it when the server behind it fails
		return fault.New(fault.ProviderFailed, "%s reported that the model failed", r.model.client.Server())
	}
	return nil
}

// ended implements taker. If the server gives no reason for the end, the mark [DONE] ends the reply.
func (r *chatReply) ended(end streamEnd) *llm.Finish {
	if r.reason == "error" {
		return nil
	}
	if r.reason == "" {
		if !end.marked || r.complete("none") != nil {
			return nil
		}
	}
	switch {
	case r.reason == "length":
		return r.finish(llm.FinishLength)
	case r.reason == "content_filter":
		return r.finish(llm.FinishContentFilter)
	case r.called:
		return r.finish(llm.FinishToolCalls)
	}
	return r.finish(llm.FinishStop)
}

// deltaPieces is what one chunk adds to a reply, without tool calls.
type deltaPieces struct {
	field, reasoning string // the name and the text of the field with reasoning
	details          string // OpenRouter's list of pieces of reasoning, as JSON
	text             string
}

// pieces returns the reasoning and the text of a chunk. Servers send reasoning in different fields.
func pieces(d *openai.ChatCompletionChunkChoiceDelta) deltaPieces {
	var p deltaPieces
	for _, field := range []string{"reasoning_content", "reasoning"} {
		if text := textOf(d.JSON.ExtraFields[field]); text != "" && p.reasoning == "" {
			p.field, p.reasoning = field, text
		}
	}
	if list := d.JSON.ExtraFields["reasoning_details"].Raw(); len(list) > 2 && list[0] == '[' {
		p.details = list
	}
	if raw := d.JSON.Content.Raw(); raw != "" && raw[0] == '[' {
		listed := listedContent(raw) // the form of Mistral
		p.text = listed.text
		if listed.reasoning != "" {
			p.reasoning = listed.reasoning
		}
	} else {
		p.text = d.Content
	}
	return p
}

// textOf returns a field that is a JSON string, or "" for any other field.
func textOf(f respjson.Field) string {
	var text string
	if raw := f.Raw(); raw == "" || raw[0] != '"' || json.Unmarshal([]byte(raw), &text) != nil {
		return ""
	}
	return text
}

// listedContent returns the text and the reasoning of a content that is a list of both.
func listedContent(raw string) (p deltaPieces) {
	type piece struct{ Type, Text string }
	var list []struct {
		piece
		Thinking json.RawMessage
	}
	_ = json.Unmarshal([]byte(raw), &list)
	for _, one := range list {
		switch one.Type {
		case "text":
			p.text += one.Text
		case "thinking":
			var thoughts []piece
			_ = json.Unmarshal(one.Thinking, &thoughts)
			for _, thought := range thoughts {
				p.reasoning += thought.Text
			}
		}
	}
	return p
}

// member returns a member of a JSON object as JSON. It returns "" if there is none.
func member(object, name string) string {
	var all map[string]json.RawMessage
	if object == "" || json.Unmarshal([]byte(object), &all) != nil {
		return ""
	}
	return string(all[name])
}

// maxCitations is how many citations a reply may have.
const maxCitations = 256

// citations returns the citations of web pages in a JSON list of annotations, at most as many as most
// says. It ignores a list of another form.
func citations(list string, most int) (out []chat.Citation) {
	type target struct{ URL, Title string }
	var all []struct {
		Type string
		target
		Nested target `json:"url_citation"`
	}
	if list == "" || json.Unmarshal([]byte(list), &all) != nil {
		return nil
	}
	for _, one := range all {
		at := one.target
		if at.URL == "" {
			at = one.Nested
		}
		if one.Type == "url_citation" && at.URL != "" && len(out) < most {
			out = append(out, chat.Citation{URL: at.URL, Title: at.Title})
		}
	}
	return out
}
