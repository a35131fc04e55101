package anthropic

import (
	"encoding/json"

	api "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/packages/param"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// Types of the blocks that have a provider state.
const (
	thinkingType = "thinking"
	redactedType = "redacted_thinking"
	otherType    = "block" // of a block whose kind the plugin does not know; the block is the data of the part
)

// otherPrefix begins the type of a part that has a block whose kind the plugin does not know.
const otherPrefix = "anthropic."

// blockState is the provider state of a block, as JSON.
type blockState struct {
	Type      string `json:"type"`
	Signature string `json:"signature,omitempty"` // of thinking
	Data      string `json:"data,omitempty"`      // of redacted thinking
	// Thinking is the text of thinking, if that has characters that storages do not keep. The signature is
	// valid only for the unchanged text.
	Thinking *string `json:"thinking,omitempty"`
}

// state returns the provider state of a block.
func (s blockState) state(maker string) *chat.ProviderState {
	data, err := json.Marshal(s)
	if err != nil {
		return nil // cannot happen: the struct has only texts
	}
	return &chat.ProviderState{Maker: maker, Data: data}
}

// thinkingState returns the provider state of thinking.
func thinkingState(text, signature, maker string) *chat.ProviderState {
	s := blockState{Type: thinkingType, Signature: signature}
	if chat.Clean(text) != text {
		s.Thinking = &text
	}
	return s.state(maker)
}

// ownBlock returns the block of reasoning, or of a part of the kind other, as the server sent it. It
// returns fault.Unsupported if another maker made the part, and fault.Invalid for a state that this
// plugin did not write.
func (c *conversation) ownBlock(p *chat.Part, at fault.Path) (api.ContentBlockParamUnion, error) {
	var block api.ContentBlockParamUnion
	var s blockState
	switch {
	case p.State == nil, p.State.Maker != "" && p.State.Maker != c.maker:
		return block, unsupported(at, "is %s that another provider made, which Anthropic does not take", p.Kind())
	case json.Unmarshal(p.State.Data, &s) != nil:
	case s.Type == thinkingType && p.Reasoning != nil:
		text := p.Reasoning.Text
		if s.Thinking != nil {
			text = *s.Thinking
		}
		return api.NewThinkingBlock(s.Signature, text), nil
	case s.Type == redactedType && p.Reasoning != nil:
		return api.NewRedactedThinkingBlock(s.Data), nil
	case s.Type == otherType && p.Other != nil && json.Valid(p.Other.Data):
		return param.Override[api.ContentBlockParamUnion](json.RawMessage(p.Other.Data)), nil
	}
	return block, fault.New(fault.Invalid, "has a provider_state that this plugin did not make").At(at...)
}
