package anthropic

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	api "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/packages/param"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// Roles of the API's messages. Tool results are in user messages.
const (
	userRole      = "user"
	assistantRole = "assistant"
	systemRole    = "system"
)

// heldMedia is the note in a user message before the media of a message of the model.
const heldMedia = "[Your message before had this:]"

// cutFront is the text of the user message that the plugin puts before a first message of the model.
// The API wants the first message to be the user's.
const cutFront = "[The messages before this are left out.]"

// conversation collects the messages of a request in the API's form. It keeps leading system messages
// apart, and joins neighbouring messages of one role.
type conversation struct {
	maker     string
	citations bool
	system    []api.TextBlockParam
	entries   []entry
	// held are the media of messages of the model since the last user message, which the next user message
	// gets.
	held []api.ContentBlockParamUnion
	said bool // the newest message has something in it that the API takes
	// front is the newest block that may carry a breakpoint of the prompt cache, and is in the stable
	// front of the request.
	front *api.CacheControlEphemeralParam
}

// entry is a message in the API's form.
type entry struct {
	role   string
	blocks []api.ContentBlockParamUnion
}

// add adds a message, whose path in the request is at.
func (c *conversation) add(m *chat.Message, at fault.Path) error {
	c.said = false
	switch m.Role {
	case chat.System:
		return c.addSystem(m, at)
	case chat.User, chat.Tool:
		return c.addParts(userRole, m.Parts, at)
	case chat.Assistant:
		return c.addParts(assistantRole, m.Parts, at)
	}
	return fault.New(fault.Invalid, "unknown role %q", m.Role).At(fault.Path{"role"}.Below(at...)...)
}

// addSystem adds a system message. Before all other messages it belongs to the system prompt.
func (c *conversation) addSystem(m *chat.Message, at fault.Path) error {
	var texts []api.ContentBlockParamUnion
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Kind() != chat.KindText {
			return unsupported(partPath(at, i), "is %s; a system message is text", p.Kind())
		}
		if isBlank(p.Text) {
			continue
		}
		c.said = true
		if len(c.entries) == 0 {
			c.system = append(c.system, api.TextBlockParam{Text: p.Text})
		} else {
			texts = append(texts, api.NewTextBlock(p.Text))
		}
	}
	c.append(systemRole, texts)
	return nil
}

// addParts adds the parts of a message with the role. It holds the media of the model.
func (c *conversation) addParts(role string, parts []chat.Part, at fault.Path) error {
	blocks := make([]api.ContentBlockParamUnion, 0, len(parts))
	for i := range parts {
		block, ok, err := c.block(&parts[i], partPath(at, i))
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		c.said = true
		if role == assistantRole && parts[i].Media != nil {
			c.held = append(c.held, block)
		} else {
			blocks = append(blocks, block)
		}
	}
	if role == userRole {
		c.release()
	}
	c.append(role, blocks)
	return nil
}

// release adds the held media as a user message.
func (c *conversation) release() {
	if len(c.held) > 0 {
		c.append(userRole, append([]api.ContentBlockParamUnion{api.NewTextBlock(heldMedia)}, c.held...))
		c.held = nil
	}
}

// append adds blocks to the last entry if that has the role. Otherwise it adds an entry.
func (c *conversation) append(role string, blocks []api.ContentBlockParamUnion) {
	if len(blocks) == 0 {
		return
	}
	if last := len(c.entries) - 1; last >= 0 && c.entries[last].role == role {
		c.entries[last].blocks = append(c.entries[last].blocks, blocks...)
		return
	}
	c.entries = append(c.entries, entry{role, blocks})
}

// endFront notes that the stable messages of the request end with the last block so far.
func (c *conversation) endFront() {
	for i := len(c.entries) - 1; i >= 0; i-- {
		blocks := c.entries[i].blocks
		for j := len(blocks) - 1; j >= 0; j-- {
			if c.front = blocks[j].GetCacheControl(); c.front != nil {
				return
			}
		}
	}
}

// messages returns the messages in the API's form.
func (c *conversation) messages() []api.MessageParam {
	c.release()
	if len(c.entries) > 0 && c.entries[0].role == assistantRole {
		first := entry{userRole, []api.ContentBlockParamUnion{api.NewTextBlock(cutFront)}}
		c.entries = append([]entry{first}, c.entries...)
	}
	out := make([]api.MessageParam, 0, len(c.entries))
	for _, e := range c.entries {
		switch e.role {
		case assistantRole:
			out = append(out, api.NewAssistantMessage(e.blocks...))
		case systemRole:
			system := &api.SystemMessageParam{}
			for _, b := range e.blocks {
				system.Content = append(system.Content, *b.OfText)
			}
			out = append(out, api.MessageParam{OfSystem: system})
		default:
			out = append(out, api.NewUserMessage(resultsFirst(e.blocks)...))
		}
	}
	return out
}

// resultsFirst returns the blocks with the tool results before all others, because the API wants this
// order.
func resultsFirst(blocks []api.ContentBlockParamUnion) []api.ContentBlockParamUnion {
	out := make([]api.ContentBlockParamUnion, 0, len(blocks))
	for _, b := range blocks {
		if b.OfToolResult != nil {
			out = append(out, b)
		}
	}
	for _, b := range blocks {
		if b.OfToolResult == nil {
			out = append(out, b)
		}
	}
	return out
}

// block converts a part. ok is false for a part with a blank text, which the API refuses.
func (c *conversation) block(p *chat.Part, at fault.Path) (block api.ContentBlockParamUnion, ok bool, err error) {
	switch p.Kind() {
	case chat.KindText:
		return api.NewTextBlock(p.Text), !isBlank(p.Text), nil
	case chat.KindRefusal:
		return api.NewTextBlock(p.Refusal.Text), !isBlank(p.Refusal.Text), nil
	case chat.KindMedia:
		block, err = c.media(p.Media, at)
	case chat.KindReasoning, chat.KindOther:
		block, err = c.ownBlock(p, at)
	case chat.KindToolCall:
		block = toolUse(p.ToolCall)
	case chat.KindToolResult:
		block, err = c.toolResult(p.ToolResult, at)
	default:
		err = unsupported(at, "is of the kind %q, which Anthropic does not take", p.Kind())
	}
	return block, true, err
}

// toolUse converts a tool call.
func toolUse(call *chat.ToolCall) api.ContentBlockParamUnion {
	return api.NewToolUseBlock(idOf(call.ID), argumentsOf(call.Arguments), call.Name)
}

// argumentsOf returns the arguments of an earlier call as a JSON object, because the API takes nothing
// else. It puts other arguments, such as those of a call that was cut, into an object as Anthropic
// recommends.
func argumentsOf(arguments string) json.RawMessage {
	var object map[string]json.RawMessage
	switch {
	case isBlank(arguments):
		return json.RawMessage(`{}`)
	case json.Unmarshal([]byte(arguments), &object) == nil && object != nil:
		return json.RawMessage(arguments)
	}
	wrapped, err := json.Marshal(map[string]string{"INVALID_JSON": arguments})
	if err != nil {
		return json.RawMessage(`{}`) // cannot happen: a map of texts is JSON
	}
	return wrapped
}

// idOf returns the id of a call. The API takes letters, digits, _ and -. If another provider's id has
// other characters, idOf returns a digest of it. Equal ids have equal digests, so that a call and its
// result stay together.
func idOf(id string) string {
	for _, r := range id {
		if !isIDRune(r) {
			sum := sha256.Sum256([]byte(id))
			return "toolu_" + hex.EncodeToString(sum[:12])
		}
	}
	return id
}

func isIDRune(r rune) bool {
	return r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// toolResult converts a tool result. A result without parts has its structured form as text.
func (c *conversation) toolResult(r *chat.ToolResult, at fault.Path) (api.ContentBlockParamUnion, error) {
	out := &api.ToolResultBlockParam{ToolUseID: idOf(r.ToolCallID)}
	if r.IsError {
		out.IsError = param.NewOpt(true)
	}
	for i := range r.Parts {
		path := partPath(fault.Path{"tool_result"}.Below(at...), i)
		switch r.Parts[i].Kind() {
		case chat.KindText, chat.KindRefusal, chat.KindMedia:
		default:
			return api.ContentBlockParamUnion{}, unsupported(path, "is %s; a tool's result is text, images and documents", r.Parts[i].Kind())
		}
		b, ok, err := c.block(&r.Parts[i], path)
		if err != nil {
			return api.ContentBlockParamUnion{}, err
		}
		if ok {
			out.Content = append(out.Content, api.ToolResultBlockParamContentUnion{OfText: b.OfText, OfImage: b.OfImage, OfDocument: b.OfDocument})
		}
	}
	if len(out.Content) == 0 && len(r.Structured) > 0 {
		out.Content = []api.ToolResultBlockParamContentUnion{{OfText: &api.TextBlockParam{Text: string(r.Structured)}}}
	}
	return api.ContentBlockParamUnion{OfToolResult: out}, nil
}

// partPath returns the path of the part with the index i, of the message at the path at. It does not
// change at.
func partPath(at fault.Path, i int) fault.Path {
	return fault.Path{"parts", fault.Index(i)}.Below(at...)
}

// unsupported returns fault.Unsupported at the path at.
func unsupported(at fault.Path, format string, args ...any) error {
	return fault.New(fault.Unsupported, format, args...).At(at...)
}
