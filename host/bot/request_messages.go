package bot

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// newMessages returns the messages with which the turn begins.
func (r *Request) newMessages() []chat.Message {
	if r.Message != "" {
		return []chat.Message{chat.Text(chat.User, r.Message)}
	}
	return r.Messages
}

// checkMessages checks the messages with which a turn begins: results of tools first, then
// messages of the user. maxText bounds the bytes of all their texts together.
func (r *Request) checkMessages(maxText int) error {
	if len(r.Messages) == 0 {
		return checkMessage(r.Message, maxText)
	}
	switch size := chat.Size(r.Messages); {
	case r.Message != "":
		return fault.New(fault.Invalid, "is given beside message; expected one of both").At("messages")
	case len(r.Messages) > sdk.MaxBeginMessages:
		return fault.New(fault.Invalid, "are %d; at most %d are accepted", len(r.Messages), sdk.MaxBeginMessages).At("messages")
	case size > sdk.MaxBeginBytes:
		return fault.New(fault.Invalid, "have %d bytes; at most %d are accepted", size, sdk.MaxBeginBytes).At("messages")
	}
	text, users := 0, false
	for i := range r.Messages {
		m := &r.Messages[i]
		path := fault.Path{"messages", fault.Index(i)}
		switch {
		case m.Role == chat.Tool && users:
			return fault.New(fault.Invalid, "is a result of a tool after a message of the user; expected the results first").At(append(path, "role")...)
		case m.Role == chat.Tool:
		case m.Role == chat.User:
			users = true
		default:
			return fault.New(fault.Invalid, "is %.40q; expected user or tool", string(m.Role)).At(append(path, "role")...)
		}
		n, err := checkNewParts(m, path)
		if err != nil {
			return err
		}
		text += n
	}
	if text > maxText {
		return fault.New(fault.Invalid, "have %d bytes of text; at most %d are accepted", text, maxText).At("messages")
	}
	return nil
}

// checkMessage checks the text of the user's only message.
func checkMessage(text string, maxText int) error {
	switch {
	case text == "":
		return fault.New(fault.Invalid, "is empty; expected the user's message").At("message")
	case len(text) > maxText:
		return fault.New(fault.Invalid, "has %d bytes; at most %d are accepted", len(text), maxText).At("message")
	}
	return checkText(text, fault.Path{"message"})
}

// checkText returns an error for a text that not every storage keeps.
func checkText(text string, path fault.Path) error {
	switch {
	case !utf8.ValidString(text):
		return fault.New(fault.Invalid, "is not UTF-8").At(path...)
	case strings.IndexByte(text, 0) >= 0:
		return fault.New(fault.Invalid, "has a NUL character, which no storage keeps").At(path...)
	}
	return nil
}

// checkNewParts checks the parts of a new message, and returns how many bytes of text they have.
func checkNewParts(m *chat.Message, path fault.Path) (text int, err error) {
	parts := m.Parts
	if m.Role == chat.Tool {
		if len(parts) != 1 || parts[0].ToolResult == nil {
			return 0, fault.New(fault.Invalid, "is no result of a tool").At(path...)
		}
		result := parts[0].ToolResult
		at := append(slices.Clone(path), "tool_call_id")
		switch {
		case result.ToolCallID == "":
			return 0, fault.New(fault.Invalid, "is missing; expected the id of the call that the message has the result of").At(at...)
		case len(result.ToolCallID) > sdk.MaxNameBytes:
			return 0, fault.New(fault.Invalid, "has %d bytes; at most %d are accepted", len(result.ToolCallID), sdk.MaxNameBytes).At(at...)
		}
		if err := checkText(result.ToolCallID, at); err != nil {
			return 0, err
		}
		parts = result.Parts
	}
	filled := m.Role == chat.Tool // the result of a tool may be empty
	for i := range parts {
		p := &parts[i]
		at := append(slices.Clone(path), "parts", fault.Index(i))
		switch p.Kind() {
		case chat.KindText:
			if err := checkText(p.Text, at); err != nil {
				return 0, err
			}
			text += len(p.Text)
			filled = filled || p.Text != ""
		case chat.KindMedia:
			if err := checkNewMedia(p.Media, append(at, "media")); err != nil {
				return 0, err
			}
			filled = true
		default:
			return 0, fault.New(fault.Invalid, "is of the kind %q; expected text or media", p.Kind()).At(at...)
		}
	}
	if !filled {
		return 0, fault.New(fault.Invalid, "is empty; expected the user's message").At(append(path, "content")...)
	}
	return text, nil
}

// mediaKinds are the kinds of media that a caller may send.
var mediaKinds = []string{chat.Image, chat.Audio, chat.Video, chat.File}

// checkNewMedia checks media that a caller sends.
func checkNewMedia(m *chat.Media, path fault.Path) error {
	at := func(key string) fault.Path { return append(slices.Clone(path), key) }
	for key, text := range map[string]string{"media_type": m.MediaType, "name": m.Name} {
		if len(text) > sdk.MaxNameBytes {
			return fault.New(fault.Invalid, "has %d bytes; at most %d are accepted", len(text), sdk.MaxNameBytes).At(at(key)...)
		}
		if err := checkText(text, at(key)); err != nil {
			return err
		}
	}
	switch {
	case !slices.Contains(mediaKinds, m.Kind):
		return fault.New(fault.Invalid, "is %.40q; expected %s", m.Kind, strings.Join(mediaKinds, ", ")).At(at("kind")...)
	case (len(m.Data) > 0) == (m.URL != "") || m.Reference != "":
		return fault.New(fault.Invalid, "has either data or a url; expected one of both").At(path...)
	case len(m.Data) > 0 && m.MediaType == "":
		return fault.New(fault.Invalid, "is missing; expected the type of the data, such as image/png").At(at("media_type")...)
	case m.URL != "":
		return checkMediaURL(m.URL, at("url"))
	}
	return nil
}

// checkMediaURL requires an address that a provider can read.
func checkMediaURL(text string, path fault.Path) error {
	if len(text) > bounds.MediaURLBytes {
		return fault.New(fault.Invalid, "has %d bytes; at most %d are accepted", len(text), bounds.MediaURLBytes).At(path...)
	}
	if err := checkText(text, path); err != nil {
		return err
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fault.New(fault.Invalid, "is no address of the web; expected https://..., or the bytes themselves as data").At(path...)
	}
	return nil
}
