package llm

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"google.golang.org/protobuf/proto"
)

// TestCoalescer_pieceSize checks that the pieces of a reply stay small when the provider is very
// fast.
func TestCoalescer_pieceSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got strings.Builder
		c := newCoalescer(func(m *llmv1.ChatResponse) error {
			if len(m.Text) > pieceBytes+10 {
				t.Errorf("a piece of %d bytes", len(m.Text))
			}
			got.WriteString(m.Text)
			return nil
		})
		for range 100000 {
			if err := c.emit(Delta{Text: "0123456789"}); err != nil {
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
// provider sends, and that a reply is cut at sdk.MaxReplyBytes with the finish reason length.
func TestCoalescer_cutsLargeReply(t *testing.T) {
	large := strings.Repeat("€", 30<<20)
	call := chat.ToolCall{Arguments: strings.Repeat("x", 1<<20)}
	for name, d := range map[string]Delta{
		"text": {Text: large}, "reasoning": {Reasoning: large}, "both": {Text: large[:6<<20], Reasoning: large[:6<<20]},
		"a tool call":      {ToolCalls: []chat.ToolCall{{Arguments: large}}},
		"many tool calls":  {ToolCalls: slices.Repeat([]chat.ToolCall{{}}, 1<<20)},
		"large tool calls": {Text: "before", ToolCalls: slices.Repeat([]chat.ToolCall{call}, 20)},
	} {
		t.Run(name, func(t *testing.T) {
			var finish *llmv1.Finish
			total := 0
			c := newCoalescer(func(m *llmv1.ChatResponse) error {
				if n := proto.Size(m); n > sdk.MaxReplyBytes+1<<10 {
					t.Errorf("a piece of %d bytes", n)
				}
				if !utf8.ValidString(m.Text) || !utf8.ValidString(m.Reasoning) {
					t.Error("a character is cut")
				}
				total += len(m.Text) + len(m.Reasoning)
				for _, call := range m.ToolCalls {
					total += len(call.Arguments)
				}
				finish = m.Finish
				return nil
			})
			for range 2 {
				if err := c.emit(d); err == nil || !c.full() {
					t.Errorf("%v, and the reply is not full", err)
				}
			}
			if err := c.close(&Finish{Reason: FinishStop, Usage: chat.Usage{OutputTokens: 7}, ReasoningSignature: []byte(large)}); err != nil {
				t.Error(err)
			}
			if total > sdk.MaxReplyBytes || finish.GetReason() != llmv1.Finish_REASON_LENGTH || finish.GetUsage().GetOutputTokens() != 7 || len(finish.ReasoningSignature) > 0 {
				t.Errorf("%d bytes came, and the finish is %.100v", total, finish)
			}
		})
	}
}
