package anthropic

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"strings"

	api "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// block is a content block of a reply whose end has not come yet. Its texts are kept copies.
type block struct {
	kind      string
	raw       string          // the block as it began, of a kind that the plugin does not know
	begun     bool            // a piece of it was emitted
	text      strings.Builder // the text of thinking, or the arguments of a call
	signature strings.Builder
	data      string // of redacted thinking
	id, name  string // of a call
	input     string // the arguments of a call, if the server sent them with the beginning of the block
	citations []chat.Citation
}

// Kinds of blocks that the plugin knows, in addition to thinkingType and redactedType.
const (
	textType    = "text"
	toolUseType = "tool_use"
)

// startBlock begins the block with the index.
func (r *reply) startBlock(index int64, start *api.ContentBlockStartEventContentBlockUnion) error {
	b := &block{}
	r.blocks[index] = b
	switch start.Type {
	case textType:
		b.kind = textType
		return r.piece(b, llm.Text(start.Text))
	case thinkingType:
		b.kind = thinkingType
		if err := r.keep(&b.signature, start.Signature); err != nil {
			return err
		}
		return r.think(b, start.Thinking)
	case redactedType:
		b.kind, b.data = redactedType, start.Data
		if err := r.grow(len(b.data)); err != nil {
			return err
		}
		return r.kept.Texts(&b.data)
	case toolUseType:
		b.kind, b.id, b.name = toolUseType, start.ID, start.Name
		if arguments := start.JSON.Input.Raw(); arguments != "null" && arguments != "{}" {
			b.input = arguments
		}
	default:
		b.kind, b.raw = start.Type, start.RawJSON()
	}
	if err := r.grow(len(start.RawJSON())); err != nil {
		return err
	}
	return r.kept.Texts(&b.kind, &b.raw, &b.id, &b.name, &b.input)
}

// continueBlock adds a piece to the block with the index. It ignores pieces of kinds that it does not
// know.
func (r *reply) continueBlock(index int64, d *api.RawContentBlockDeltaUnion) error {
	b := r.blocks[index]
	if b == nil { // the server did not say that the block begins
		b = &block{kind: textType}
		if d.Type == "thinking_delta" || d.Type == "signature_delta" {
			b.kind = thinkingType
		}
		r.blocks[index] = b
	}
	switch d.Type {
	case "text_delta":
		return r.piece(b, llm.Text(d.Text))
	case "thinking_delta":
		return r.think(b, d.Thinking)
	case "signature_delta":
		return r.keep(&b.signature, d.Signature)
	case "input_json_delta":
		return r.keep(&b.text, d.PartialJSON)
	case "citations_delta":
		return r.cite(b, citationOf(&d.Citation))
	}
	return nil
}

// cite keeps a citation until the end of its block.
func (r *reply) cite(b *block, c chat.Citation) error {
	n := len(c.URL) + len(c.Document) + len(c.Title) + len(c.Quote)
	if n == 0 {
		return nil
	}
	if err := r.grow(n); err != nil {
		return err
	}
	if r.size += citationBytes; r.full() != nil {
		return errCut
	}
	if err := r.kept.Texts(&c.URL, &c.Document, &c.Title, &c.Quote); err != nil {
		return err
	}
	b.citations = append(b.citations, c)
	return r.kept.Count(citationBytes)
}

// citationBytes is what a citation takes beside its texts, about.
const citationBytes = 100

// think adds a piece of thinking. Its text is kept for the signature.
func (r *reply) think(b *block, text string) error {
	if err := r.kept.Append(&b.text, text); err != nil {
		return err
	}
	return r.piece(b, llm.Reasoning(text))
}

// endBlock ends the block with the index. It emits what the plugin emits only at the end of a block:
// citations, provider states, tool calls and blocks of unknown kinds.
func (r *reply) endBlock(index int64) error {
	b := r.blocks[index]
	if b == nil {
		return nil
	}
	delete(r.blocks, index)
	switch b.kind {
	case textType:
		if len(b.citations) > 0 {
			return r.piece(b, llm.Delta{Part: chat.Part{Citations: b.citations}})
		}
		return nil
	case thinkingType:
		end := llm.Reasoning("")
		end.State = thinkingState(b.text.String(), b.signature.String(), r.maker)
		return r.piece(b, end)
	case redactedType:
		end := llm.Reasoning("")
		end.State = blockState{Type: redactedType, Data: b.data}.state(r.maker)
		return r.piece(b, end)
	case toolUseType:
		r.called = true
		return r.piece(b, llm.ToolCall(b.call()))
	}
	return r.piece(b, llm.Delta{Part: chat.Part{
		Other: &chat.Other{Type: otherPrefix + b.kind, Data: b.whole()}, State: blockState{Type: otherType}.state(r.maker),
	}})
}

// call returns the tool call in the block. It makes an id if the server sent none, and {} for missing
// arguments.
func (b *block) call() chat.ToolCall {
	c := chat.ToolCall{ID: b.id, Name: b.name, Arguments: b.text.String()}
	if c.Arguments == "" {
		c.Arguments = b.input
	}
	if c.Arguments == "" {
		c.Arguments = "{}"
	}
	if c.ID == "" { // a server that only resembles Anthropic's may send no id, but a tool result needs one
		c.ID = "toolu_" + rand.Text()
	}
	return c
}

// whole returns the JSON of a block whose kind the plugin does not know, with the input that came in
// pieces.
func (b *block) whole() []byte {
	var keys map[string]json.RawMessage
	input := json.RawMessage(b.text.String())
	if len(input) == 0 || !json.Valid(input) || json.Unmarshal([]byte(b.raw), &keys) != nil || keys == nil {
		return []byte(b.raw)
	}
	keys["input"] = input
	out, err := json.Marshal(keys)
	if err != nil {
		return []byte(b.raw)
	}
	return out
}

// citationOf returns a citation. The protocol has no field for the position in the document, so
// citationOf drops it.
func citationOf(c *api.CitationsDeltaCitationUnion) chat.Citation {
	return chat.Citation{
		URL: c.URL, Document: cmp.Or(c.FileID, c.Source), Title: cmp.Or(c.DocumentTitle, c.Title), Quote: c.CitedText,
	}
}
