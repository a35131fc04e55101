package bot

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// traitedLLM is a model with traits.
type traitedLLM struct {
	llm.LLM
	traits sdk.LLMTraits
}

func (m traitedLLM) LLMTraits(context.Context) sdk.LLMTraits { return m.traits }

// parts returns the parts of the reply that the storage keeps.
func keptParts(t *testing.T, s *logStorage) []chat.Part {
	t.Helper()
	return decoded(s.last(t).Messages...)[0].Parts
}

func TestChat_keepsThePartsOfAReplyInOrder(t *testing.T) {
	data := &chat.ProviderState{Data: []byte{1}}
	own := &chat.ProviderState{Maker: "m", Data: []byte{1}}
	call := &chat.ToolCall{ID: "1", Name: "f"}
	s := &logStorage{}
	m := traitedLLM{says(&llm.Finish{Reason: llm.FinishStop}, nil,
		llm.Reasoning("a"), llm.Reasoning("b"), llm.Delta{Part: chat.Part{Reasoning: &chat.Reasoning{}, State: data}},
		llm.Delta{Part: chat.Part{Reasoning: &chat.Reasoning{}, State: own}},
		llm.Text("c"), llm.Text("d"), llm.Delta{Part: chat.Part{ToolCall: call, State: data}}, llm.Text("e"),
		llm.Delta{Part: chat.Part{Text: "f"}, Begins: true}, llm.Delta{Part: chat.Part{Refusal: &chat.Refusal{Text: "g"}}},
		llm.Delta{Part: chat.Part{Other: &chat.Other{Type: "x"}, State: data}}, llm.Delta{Begins: true},
	), sdk.LLMTraits{Maker: "m"}}
	var shown strings.Builder
	r, err := newTestBot(s, m).Chat(t.Context(), hi, func(text string) error { shown.WriteString(text); return nil })
	if err != nil {
		t.Fatal(err)
	}
	want := []chat.Part{
		{Reasoning: &chat.Reasoning{Text: "ab"}, State: own}, {Reasoning: &chat.Reasoning{}, State: own}, {Text: "cd"},
		{ToolCall: call, State: own}, {Text: "e"}, {Text: "f"}, {Refusal: &chat.Refusal{Text: "g"}}, {Other: &chat.Other{Type: "x"}, State: own},
	}
	if got := keptParts(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("kept %+v", got)
	}
	if r.Text != "cdefg" || shown.String() != r.Text {
		t.Errorf("answered %q and shown %q", r.Text, shown.String())
	}
}

func TestStampMaker_refusesAnotherMaker(t *testing.T) {
	foreign := llm.Delta{Part: chat.Part{Text: "a", State: &chat.ProviderState{Maker: "x", Data: []byte{1}}}}
	_, err := newTestBot(&logStorage{}, traitedLLM{says(&llm.Finish{}, nil, foreign), sdk.LLMTraits{Maker: "m"}}).Chat(t.Context(), hi, nil)
	if e := wantClass(t, err, fault.Internal); e.Party != fault.PartyPlugin {
		t.Errorf("by %s", e.Party)
	}
}

// beyond: provider states
func TestReplyBudget_providerStates(t *testing.T) {
	half := func() llm.Delta {
		return llm.Delta{Part: chat.Part{Reasoning: &chat.Reasoning{Text: "r"}, State: &chat.ProviderState{Data: make([]byte, sdk.MaxProviderStateBytes/2)}}}
	}
	s := &logStorage{}
	r, err := newTestBot(s, says(&llm.Finish{Reason: llm.FinishStop}, nil, llm.Text("a"), half(), half(), llm.Text("b"))).Chat(t.Context(), hi, nil)
	if err != nil || r.FinishReason != "length" || r.Text != "a" {
		t.Fatalf("%+v, %v", r, err)
	}
	if n := chat.StateSize(keptParts(t, s)); n > sdk.MaxProviderStateBytes || len(keptParts(t, s)) != 2 {
		t.Errorf("%d bytes of states in %d parts", n, len(keptParts(t, s)))
	}
}

// TestAdapt checks what of earlier messages the model is shown, and that the record says what
// differs from what is stored.
func TestAdapt(t *testing.T) {
	own, foreign, nobody := &chat.ProviderState{Maker: "m", Data: []byte{1}}, &chat.ProviderState{Maker: "x", Data: []byte{1}}, &chat.ProviderState{Data: []byte{1}}
	yes, no := true, false
	image := &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte{1}, Name: "cat.png"}
	sound := &chat.Media{Kind: chat.Audio, URL: "u"}
	all := []chat.Part{
		{Text: "a", State: own}, {Text: "b", State: foreign}, {Reasoning: &chat.Reasoning{Text: "r1"}, State: own},
		{Reasoning: &chat.Reasoning{Text: "r2"}, State: foreign}, {Reasoning: &chat.Reasoning{Text: "r3"}}, {Reasoning: &chat.Reasoning{}, State: nobody},
		{Media: image}, {Media: sound}, {Refusal: &chat.Refusal{Text: "no"}}, {Refusal: &chat.Refusal{Text: "never"}, State: own},
		{Other: &chat.Other{Type: "t"}, State: own}, {Other: &chat.Other{Type: "t"}, State: foreign}, {Other: &chat.Other{Type: "t"}},
		{Unknown: chat.Unknown("\xc2\x3e\x05later")},
		{ToolCall: &chat.ToolCall{ID: "1"}, State: foreign}, {ToolResult: &chat.ToolResult{ToolCallID: "1", Parts: []chat.Part{{Text: "x"}, {Media: image}}}},
	}
	images := []sdk.MediaKind{{Kind: chat.Image, Types: []string{"image/*"}, Sources: []string{sdk.SourceData}}}
	for name, c := range map[string]struct {
		traits sdk.LLMTraits
		parts  []chat.Part
		want   []chat.Part // nil: the message is left out
		record *replacedParts
	}{
		"nothing to do": {sdk.LLMTraits{}, []chat.Part{{Text: "a"}, {Media: sound}}, []chat.Part{{Text: "a"}, {Media: sound}}, nil},
		"all": {
			sdk.LLMTraits{Maker: "m", Media: images, Reasoning: &yes}, all,
			[]chat.Part{
				{Text: "a", State: own}, {Text: "b"}, {Reasoning: &chat.Reasoning{Text: "r1"}, State: own}, {Media: image},
				{Text: "[audio, which this model cannot take]"}, {Text: "no"}, {Refusal: &chat.Refusal{Text: "never"}, State: own},
				{Other: &chat.Other{Type: "t"}, State: own}, {ToolCall: &chat.ToolCall{ID: "1"}},
				{ToolResult: &chat.ToolResult{ToolCallID: "1", Parts: []chat.Part{{Text: "x"}, {Media: image}}}},
			},
			&replacedParts{Media: 1, Reasoning: 3, Refusals: 1, Other: 2, ProviderStates: 2, Unknown: 1},
		},
		"a model that takes little": {
			sdk.LLMTraits{Maker: "m", Media: []sdk.MediaKind{}, Reasoning: &no}, all[2:],
			[]chat.Part{
				{Text: "[image \"cat.png\", which this model cannot take]"}, {Text: "[audio, which this model cannot take]"}, {Text: "no"},
				{Refusal: &chat.Refusal{Text: "never"}, State: own}, {Other: &chat.Other{Type: "t"}, State: own}, {ToolCall: &chat.ToolCall{ID: "1"}},
				{ToolResult: &chat.ToolResult{ToolCallID: "1", Parts: []chat.Part{{Text: "x"}, {Text: "[image \"cat.png\", which this model cannot take]"}}}},
			},
			&replacedParts{Media: 3, Reasoning: 4, Refusals: 1, Other: 2, ProviderStates: 1, Unknown: 1},
		},
		"without a maker":      {sdk.LLMTraits{}, []chat.Part{{Text: "a", State: nobody}}, []chat.Part{{Text: "a"}}, &replacedParts{ProviderStates: 1}},
		"nothing that is left": {sdk.LLMTraits{}, []chat.Part{{Reasoning: &chat.Reasoning{Text: "r"}}}, nil, &replacedParts{Reasoning: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			log := []chat.Message{chat.Text(chat.User, "q"), {Role: chat.Assistant, Parts: c.parts}, chat.Text(chat.User, "and")}
			before, _ := json.Marshal(log)
			s, script := &logStorage{history: log}, &scriptLLM{words: []string{"ok"}}
			b := newTestBot(s, traitedLLM{script, c.traits}, func(p *Parts) { p.Memory = tailMemory(10) })
			if _, err := b.Chat(t.Context(), hi, nil); err != nil {
				t.Fatal(err)
			}
			seen := script.seen[0][1 : len(script.seen[0])-1]
			want := []chat.Message{log[0], {Role: chat.Assistant, Parts: c.want}, log[2]}
			if c.want == nil {
				want = []chat.Message{log[0], log[2]}
			}
			if !reflect.DeepEqual(seen, want) {
				t.Errorf("the model saw %+v", seen)
			}
			if r := readRecord(s.last(t).Record); !reflect.DeepEqual(r.Replaced, c.record) {
				t.Errorf("the record says %s", s.last(t).Record)
			}
			if after, _ := json.Marshal(log); string(after) != string(before) {
				t.Error("the messages of the log were changed")
			}
		})
	}
}
