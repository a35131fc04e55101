package bot

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/prompt"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/memory"
)

// explainedTurn runs a turn. It returns the messages that the model got, and the host's Inspection of the
// turn.
func explainedTurn(t *testing.T, history []chat.Message, traits sdk.LLMTraits, req Request, change func(*Parts)) ([]chat.Message, *Inspection) {
	t.Helper()
	s, m := &logStorage{history: history}, &failingLLM{name: "ok", traits: traits}
	b := bounded(s, m, func(p *Parts) { p.Prompts = prompt.Set{System: prompt.Literal("be kind")} }, change)
	if _, err := b.Chat(t.Context(), req, nil); err != nil {
		t.Fatal(err)
	}
	last := int64(len(turnsOf(history))) + 1
	turn, err := b.TurnBySequence(t.Context(), req.ConversationID, last)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := b.Inspect(t.Context(), req.ConversationID, turn)
	if err != nil {
		t.Fatal(err)
	}
	return m.seen[0], shown
}

// TestInspect_explainsAll checks that the host rebuilds exactly the messages that the model got, also if
// messages or parts were left out or replaced, and that its notes say why.
func TestInspect_explainsAll(t *testing.T) {
	image := chat.Part{Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Name: "cat.png", Data: []byte{1}}}
	foreign := &chat.ProviderState{Maker: "another", Data: []byte{1}}
	result := chat.Message{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{ToolCallID: "1", Parts: []chat.Part{{Text: "r"}, image, {Text: "s", State: foreign}}}}}}
	mixed := []chat.Message{
		{Role: chat.User, Parts: []chat.Part{{Text: "look"}, image}},
		{Role: chat.Assistant, Parts: []chat.Part{
			{Reasoning: &chat.Reasoning{Text: "hm"}}, {Text: "a", State: foreign}, {Refusal: &chat.Refusal{Text: "no"}, State: foreign}, {Other: &chat.Other{Type: "x", Data: []byte{1}}},
		}},
		chat.Text(chat.User, "only reasoning follows"),
		{Role: chat.Assistant, Parts: []chat.Part{{Reasoning: &chat.Reasoning{Text: "hm"}}}},
		chat.Text(chat.User, "call"), callsTools("1"), result, chat.Text(chat.Assistant, "called"),
	}
	blind := sdk.LLMTraits{Maker: "own", Media: []sdk.MediaKind{}}
	for name, c := range map[string]struct {
		history []chat.Message
		traits  sdk.LLMTraits
		tail    int
		tokens  int
		req     Request
		notes   []string // beginnings
	}{
		"all":               {history: conversation(2), req: hi},
		"the memory's tail": {history: conversation(5), tail: 3, req: hi},
		"the context":       {history: conversation(5), tokens: 600, req: hi, notes: []string{"the oldest 6 messages, of 3 turns, were left out: the model takes 600 tokens, of which 150 are kept free"}},
		"parts": {history: mixed, traits: blind, req: hi, notes: []string{
			"earlier message 0, part 1: a note", "earlier message 1, part 0: reasoning", "earlier message 1, part 1: the state", "earlier message 1, part 2: the text of a refusal",
			"earlier message 1, part 3: a part that only", "earlier message 3, part 0: reasoning", "earlier message 6, part 0.1: a note", "earlier message 6, part 0.2: the state",
		}},
		"parts and the context":      {history: append(append([]chat.Message{}, mixed...), conversation(3)...), traits: blind, tokens: 800, req: hi, notes: []string{"the oldest "}},
		"a result whose call is cut": {history: mixed, tail: 2, traits: blind, req: hi},
		"a call without a result":    {history: []chat.Message{chat.Text(chat.User, "u"), callsTools("1"), chat.Text(chat.User, "v"), chat.Text(chat.Assistant, "w")}, req: hi, notes: []string{"1 calls of tools without a result"}},
		"open calls":                 {history: []chat.Message{chat.Text(chat.User, "u"), callsTools("1")}, req: Request{ConversationID: "c", Messages: []chat.Message{toolResult("1")}}},
	} {
		t.Run(name, func(t *testing.T) {
			given, shown := explainedTurn(t, c.history, c.traits, c.req, func(p *Parts) {
				p.Limits.ContextTokens = c.tokens
				if c.tail > 0 {
					p.Memory = tailMemory(c.tail)
				}
			})
			if !reflect.DeepEqual(shown.Seen, given) {
				t.Errorf("the host says\n%s\nand the model was given\n%s", asText(shown.Seen), asText(given))
			}
			if len(shown.Gaps) > 0 {
				t.Errorf("not known: %q", shown.Gaps)
			}
			if c.notes == nil && len(shown.Notes) > 0 && c.tail == 0 {
				t.Errorf("notes: %q", shown.Notes)
			}
			for i, want := range c.notes {
				if i >= len(shown.Notes) || !strings.HasPrefix(shown.Notes[i], want) {
					t.Fatalf("notes: %q, want %q", shown.Notes, c.notes)
				}
			}
		})
	}
}

func asText(messages []chat.Message) string {
	out := ""
	for _, m := range messages {
		out += fmt.Sprintf("%s %+v\n", m.Role, m.Parts)
	}
	return out
}

// sourcedMemory is a memory that recalls these items.
type sourcedMemory []memory.Item

func (sourcedMemory) Needs() memory.Needs { return memory.Needs{Recall: true} }

func (m sourcedMemory) Recall(context.Context, *memory.RecallRequest) (*memory.Recalled, error) {
	return &memory.Recalled{Items: m}, nil
}

// TestInspect_sources checks that the record says where the items are from that the memory chose and the
// model was shown. It has maxExplained of these sources at most.
//
// beyond: explained parts
func TestInspect_sources(t *testing.T) {
	items := sourcedMemory{
		{Message: chat.Text(chat.User, "s"), Summary: &memory.SummarySource{From: 1, To: 9}}, {Message: chat.Text(chat.User, "f"), Fact: &memory.FactSource{Kind: "name"}},
		{Message: chat.Text(chat.User, "t"), Turn: &memory.TurnSource{Number: 12}}, {Message: chat.Text(chat.User, "o"), Turn: &memory.TurnSource{Conversation: "d", Number: 3}},
		{Message: chat.Text(chat.User, "n")},
	}
	_, shown := explainedTurn(t, nil, sdk.LLMTraits{}, hi, func(p *Parts) { p.Memory = items })
	want := `the memory chose 5 messages, whose texts are not kept: a summary of the turns 1 to 9, a fact (name), turn 12, turn 3 of the conversation "d", a source that the memory does not name`
	if len(shown.Gaps) != 1 || shown.Gaps[0] != want {
		t.Errorf("got %q", shown.Gaps)
	}
	var many sourcedMemory
	for i := range maxExplained + 6 {
		many = append(many, memory.Item{Message: chat.Message{Role: chat.User, Parts: []chat.Part{{Text: "x"}, {Media: &chat.Media{Kind: chat.Image}}}}, Turn: &memory.TurnSource{Number: int64(i + 1)}})
	}
	_, shown = explainedTurn(t, nil, sdk.LLMTraits{Media: []sdk.MediaKind{}}, hi, func(p *Parts) { p.Memory = many })
	r := readRecord(shown.Turn.Record)
	if len(r.Sources) != maxExplained || len(r.Replacements) != maxExplained || r.Replaced.Media != maxExplained+6 {
		t.Errorf("the record has %d sources and %d of %+v replacements", len(r.Sources), len(r.Replacements), r.Replaced)
	}
	if len(shown.Gaps) != 2 || !strings.HasSuffix(shown.Gaps[0], "turn 64, 6 more") || !strings.Contains(shown.Gaps[1], "replaced_parts") {
		t.Errorf("got %q", shown.Gaps)
	}
}

// TestInspect_sourcesBesideTheirMessages checks that each source is that of its message, also if messages
// before, between and after the items of the memory were left out or added.
func TestInspect_sourcesBesideTheirMessages(t *testing.T) {
	numbered := func(number int64, m chat.Message) memory.Item {
		return memory.Item{Message: m, Turn: &memory.TurnSource{Number: number}}
	}
	long := func(n int) chat.Message { return chat.Text(chat.User, strings.Repeat("word ", n)) }
	large := chat.Text(chat.User, strings.Repeat("x", sdk.MaxTailBytes-2000))
	calling := []chat.Message{chat.Text(chat.User, "u"), callsTools("1")}
	answers := Request{ConversationID: "c", Messages: []chat.Message{toolResult("1")}}
	for name, c := range map[string]struct {
		items   sourcedMemory
		history []chat.Message
		tokens  int
		req     Request
		want    string
	}{
		"a call without a result in the middle": {
			items: sourcedMemory{numbered(11, long(1)), numbered(12, callsTools("9")), numbered(13, long(1)), numbered(14, long(1))}, req: hi, want: "[11 13 14]"},
		"calls that wait for their results": {
			items: sourcedMemory{numbered(11, long(1)), numbered(12, long(1))}, history: calling, req: answers, want: "[11 12 1]"},
		"both": {
			items: sourcedMemory{numbered(11, long(1)), numbered(12, callsTools("9")), numbered(13, long(1))}, history: calling, req: answers, want: "[11 13 1]"},
		"the bytes": {
			items: sourcedMemory{numbered(11, long(1000)), numbered(12, large), numbered(13, long(1))}, req: hi, want: "[12 13]"},
		"the context": {
			items:  sourcedMemory{numbered(11, long(400)), numbered(12, chat.Text(chat.Assistant, "a")), numbered(13, callsTools("9")), numbered(14, long(1)), numbered(15, chat.Text(chat.Assistant, "b"))},
			tokens: 300, req: hi, want: "[14 15]"},
	} {
		t.Run(name, func(t *testing.T) {
			given, shown := explainedTurn(t, c.history, sdk.LLMTraits{}, c.req, func(p *Parts) { p.Memory, p.Limits.ContextTokens = c.items, c.tokens })
			r := readRecord(shown.Turn.Record)
			var numbers []int64
			for _, s := range r.Sources {
				numbers = append(numbers, s.Turn)
			}
			if fmt.Sprint(numbers) != c.want || r.Recalled != len(numbers) || len(given) != len(numbers)+2 {
				t.Errorf("the sources are %v; want %s; the model was shown %d messages, of which the record counts %d", numbers, c.want, len(given)-2, r.Recalled)
			}
		})
	}
}
