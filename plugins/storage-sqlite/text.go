package sqlitestore

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

var errText = errors.New("has NUL or is not UTF-8")

// plain refuses texts that SQL and JSON would not give back as they were.
func plain(text string) error {
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return errText
	}
	return nil
}

// texts checks pairs of a field's name and its text.
func texts(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if err := plain(pairs[i+1]); err != nil {
			return fault.New(fault.Invalid, "%w", err).At(pairs[i])
		}
	}
	return nil
}

func plainMessages(field string, messages ...chat.Message) error {
	for _, m := range messages {
		if err := errors.Join(plain(string(m.Role)), plainParts(m.Parts)); err != nil {
			return fault.New(fault.Invalid, "%w", errText).At(field)
		}
	}
	return nil
}

func plainParts(parts []chat.Part) error {
	for _, p := range parts {
		all := []string{p.Text}
		var nested []chat.Part
		if i := p.Image; i != nil {
			all = append(all, i.MediaType, i.URL)
		}
		if r := p.Reasoning; r != nil {
			all = append(all, r.Text)
		}
		if c := p.ToolCall; c != nil {
			all = append(all, c.ID, c.Name, c.Arguments)
		}
		if r := p.ToolResult; r != nil {
			all, nested = append(all, r.ToolCallID, r.Name), r.Parts
		}
		for _, text := range all {
			if err := plain(text); err != nil {
				return err
			}
		}
		if err := plainParts(nested); err != nil {
			return err
		}
	}
	return nil
}
