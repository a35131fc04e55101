package openaillm

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// TestModel_Chat_shapes plays the streams in testdata/shapes, which have the forms of different servers,
// and compares the replies. A file has the stream, a ruler of equals signs, and the reply as JSON.
func TestModel_Chat_shapes(t *testing.T) {
	files, err := filepath.Glob("testdata/shapes/*.txt")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			events, want, ok := strings.Cut(string(text), "\n====\n")
			if !ok {
				t.Fatal("the file has no ruler")
			}
			s := newServer(t)
			s.chat = func(w *stream, _ *chatRequest) { w.raw(events + "\n") }
			s.responses = func(w *stream, _ *responsesRequest) { w.raw(events + "\n") }
			m := s.model(func(c *Config) {
				if strings.HasPrefix(name, "responses") {
					c.API = apiResponses
				}
			})
			parts, finish, err := talk(t.Context(), m, ask("Hi"))
			if err != nil {
				t.Fatal(err)
			}
			got := shown(m, parts, finish)
			if strings.TrimSpace(want) != got {
				t.Errorf("got\n%s\nwant\n%s", got, strings.TrimSpace(want))
			}
		})
	}
}

// shown returns a reply as JSON lines, without the ids that the plugin made and without the maker of
// provider states.
func shown(m *Model, parts []chat.Part, finish *llm.Finish) string {
	var lines []string
	add := func(v any) {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		lines = append(lines, string(text))
	}
	for _, p := range parts {
		line := map[string]any{}
		switch p.Kind() {
		case chat.KindText:
			line["text"] = p.Text
		case chat.KindReasoning:
			line["reasoning"] = p.Reasoning.Text
		case chat.KindRefusal:
			line["refusal"] = p.Refusal.Text
		case chat.KindToolCall:
			id := p.ToolCall.ID
			if strings.HasPrefix(id, "call_") && len(id) > 25 {
				id = "made"
			}
			line["call"] = []string{id, p.ToolCall.Name, p.ToolCall.Arguments}
		case chat.KindOther:
			line["other"] = p.Other.Type
		}
		if len(p.Citations) > 0 {
			line["citations"] = p.Citations
		}
		if p.State != nil {
			if p.State.Maker != m.traits.Maker {
				line["maker"] = p.State.Maker
			}
			line["state"] = json.RawMessage(p.State.Data)
		}
		add(line)
	}
	add(map[string]any{"finish": finish.Reason.String(), "model": finish.Model, "usage": finish.Usage})
	return strings.Join(lines, "\n")
}
