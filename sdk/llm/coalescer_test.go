package llm

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/internal/wire"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"google.golang.org/protobuf/proto"
)

// TestCoalescer_pieceSize checks that the pieces of a reply stay small when the provider is very
// fast.
func TestCoalescer_pieceSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got strings.Builder
		c := newCoalescer(func(m *llmv1.ChatResponse) error {
			if len(m.Part.GetText()) > pieceBytes+10 {
				t.Errorf("a piece of %d bytes", len(m.Part.GetText()))
			}
			got.WriteString(m.Part.GetText())
			return nil
		})
		for range 100000 {
			if err := c.emit(Text("0123456789")); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.close(&Finish{}); err != nil {
			t.Fatal(err)
		}
		if got.String() != strings.Repeat("0123456789", 100000) {
			t.Errorf("%d bytes came", got.Len())
		}
	})
}

// TestCoalescer_cutsLargeReply checks that each piece fits into a gRPC message, whatever the
// provider sends, and that a reply is cut at the bounds of its bytes, its parts and its provider
// states with the finish reason length.
func TestCoalescer_cutsLargeReply(t *testing.T) {
	large := strings.Repeat("€", 30<<20)
	state := func(n int) *chat.ProviderState { return &chat.ProviderState{Data: make([]byte, n)} }
	for name, deltas := range map[string][]Delta{
		"text":             {Text(large)},
		"reasoning":        {Reasoning(large)},
		"a refusal":        {{Part: chat.Part{Refusal: &chat.Refusal{Text: large}}}},
		"both":             {Reasoning(large[:6<<20]), Text(large[:6<<20])},
		"a tool call":      {ToolCall(chat.ToolCall{Arguments: large})},
		"many tool calls":  slices.Repeat([]Delta{ToolCall(chat.ToolCall{})}, sdk.MaxReplyParts+1),
		"many parts":       slices.Repeat([]Delta{Text("a"), Reasoning("b")}, sdk.MaxReplyParts/2+1),
		"empty parts":      slices.Repeat([]Delta{{Begins: true}}, sdk.MaxReplyParts+1),
		"large tool calls": slices.Repeat([]Delta{ToolCall(chat.ToolCall{Arguments: strings.Repeat("x", 1<<20)})}, 20),
		"media":            {{Part: chat.Part{Media: &chat.Media{Kind: chat.Image, Data: make([]byte, sdk.MaxReplyBytes)}}}},
		"citations":        {{Part: chat.Part{Text: "a", Citations: []chat.Citation{{Quote: large}}}}},
		"a large state":    {{Part: chat.Part{Text: "a", State: state(sdk.MaxProviderStateBytes)}}},
		"states": {
			{Part: chat.Part{Reasoning: &chat.Reasoning{}, State: state(sdk.MaxProviderStateBytes / 2)}},
			{Part: chat.Part{ToolCall: &chat.ToolCall{}, State: state(sdk.MaxProviderStateBytes / 2)}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var finish *llmv1.Finish
			var reply []*chatv1.Part
			total, states := 0, 0
			c := newCoalescer(func(m *llmv1.ChatResponse) error {
				if n := proto.Size(m); n > sdk.MaxReplyBytes+1<<10 {
					t.Errorf("a piece of %d bytes", n)
				}
				text := m.Part.GetText() + m.Part.GetReasoning().GetText() + m.Part.GetRefusal().GetText()
				if !utf8.ValidString(text) {
					t.Error("a character is cut")
				}
				total += len(text) + len(m.Part.GetToolCall().GetArguments()) + len(m.Part.GetMedia().GetData())
				for _, c := range m.Part.GetCitations() {
					total += len(c.Quote)
				}
				states += len(m.Part.GetProviderState().GetData())
				if m.Part != nil {
					reply = append(reply, m.Part)
				}
				finish = m.Finish
				return nil
			})
			var err error
			for _, d := range deltas {
				if err = c.emit(d); err != nil {
					break
				}
			}
			if err == nil || !c.full() || c.emit(Text("more")) == nil {
				t.Errorf("%v, and the reply is not full", err)
			}
			if err := c.close(&Finish{Reason: FinishStop, Usage: chat.Usage{OutputTokens: 7}}); err != nil {
				t.Error(err)
			}
			if total > sdk.MaxReplyBytes || states > sdk.MaxProviderStateBytes || len(reply) > sdk.MaxReplyParts {
				t.Errorf("%d bytes and %d bytes of states came in %d pieces", total, states, len(reply))
			}
			if finish.GetReason() != llmv1.Finish_REASON_LENGTH || finish.GetUsage().GetOutputTokens() != 7 {
				t.Errorf("the finish is %.100v", finish)
			}
		})
	}
}

// TestCoalescer_order checks that the parts of a reply come in the order in which they were
// emitted, that pieces of one part are joined, and that nothing is joined across parts.
func TestCoalescer_order(t *testing.T) {
	state := &chat.ProviderState{Data: []byte{1}}
	cited := []chat.Citation{{URL: "u"}}
	call := chat.Part{ToolCall: &chat.ToolCall{ID: "1", Name: "f"}, State: state}
	deltas := []Delta{
		Reasoning("a"), Reasoning("b"), Text(""), Reasoning("c"), {Part: chat.Part{Reasoning: &chat.Reasoning{}, State: state}},
		Reasoning("d"), {Part: chat.Part{Reasoning: &chat.Reasoning{}, State: state}, Begins: true},
		Text("e"), Text("\xc3"), {Part: call}, Text("f"), {Part: chat.Part{Text: "g", Citations: cited}}, Text("h"),
		{Part: chat.Part{Text: "i"}, Begins: true}, {Part: chat.Part{Refusal: &chat.Refusal{Text: "j"}}},
		{Part: chat.Part{Refusal: &chat.Refusal{Text: "k"}}}, {Part: chat.Part{Other: &chat.Other{Type: "t"}}}, {Part: chat.Part{Other: &chat.Other{Type: "t"}}},
	}
	want := []chat.Part{
		{Reasoning: &chat.Reasoning{Text: "abc"}, State: state},
		{Reasoning: &chat.Reasoning{Text: "d"}}, {Reasoning: &chat.Reasoning{}, State: state},
		{Text: "e\uFFFD"}, call, {Text: "fg", Citations: cited}, {Text: "h"}, {Text: "i"},
		{Refusal: &chat.Refusal{Text: "jk"}}, {Other: &chat.Other{Type: "t"}}, {Other: &chat.Other{Type: "t"}},
	}
	var got Joiner
	c := newCoalescer(func(m *llmv1.ChatResponse) error {
		if m.Part != nil {
			got.Add(&Delta{Part: wire.PartFrom(m.Part), Begins: m.NewPart})
		}
		return nil
	})
	for _, d := range deltas {
		if err := c.emit(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.close(&Finish{}); err != nil {
		t.Fatal(err)
	}
	if parts := got.Parts(); !reflect.DeepEqual(parts, want) {
		t.Errorf("got  %+v\nwant %+v", jsonOf(t, parts), jsonOf(t, want))
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// beyond: names in a reply
//
// TestDelta_Check checks that a reply fails with what no reply may have.
func TestDelta_Check(t *testing.T) {
	long := strings.Repeat("x", sdk.MaxNameBytes+1)
	for name, p := range map[string]chat.Part{
		"a result":        {ToolResult: &chat.ToolResult{}},
		"an id":           {ToolCall: &chat.ToolCall{ID: long}},
		"a name":          {ToolCall: &chat.ToolCall{Name: long}},
		"a kind of media": {Media: &chat.Media{Kind: long}},
		"a media type":    {Media: &chat.Media{MediaType: long}},
		"a file's name":   {Media: &chat.Media{Name: long}},
		"a type":          {Other: &chat.Other{Type: long}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCoalescer(func(*llmv1.ChatResponse) error { return nil })
			err := c.emit(Delta{Part: p})
			if f := fault.Of(err); f == nil || f.Class != fault.Internal || f.Party != fault.PartyPlugin {
				t.Errorf("got %v", err)
			}
			if err := c.close(&Finish{}); err == nil {
				t.Error("the reply succeeds though its plugin ignored the error")
			}
		})
	}
}
