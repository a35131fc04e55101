package bot

import (
	"context"
	"slices"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// TestTurn_recalledMessages checks that the model is not shown items of retracted turns, whatever the
// memory returns.
func TestTurn_recalledMessages(t *testing.T) {
	item := func(text string, set func(*memory.Item)) memory.Item {
		i := memory.Item{Message: chat.Text(chat.User, text)}
		set(&i)
		return i
	}
	turnItem := func(text, incarnation string, number int64) memory.Item {
		return item(text, func(i *memory.Item) { i.Turn = &memory.TurnSource{Incarnation: incarnation, Number: number} })
	}
	turn := newTurn(newTestBot(&logStorage{}, nil), Request{}, nil)
	turn.incarnation = "here"
	turn.retractions = []storage.Retraction{{Sequence: 9, From: 3, To: 5}}
	got := turn.recalledMessages(&memory.Recalled{Problems: []string{"slow"}, Items: []memory.Item{
		turnItem("before", "", 2), turnItem("retracted", "", 3), turnItem("retracted too", "here", 5), turnItem("after", "here", 6),
		turnItem("elsewhere", "there", 4),
		item("a fact", func(i *memory.Item) { i.Fact = &memory.FactSource{Kind: "name"} }),
		item("an old summary", func(i *memory.Item) { i.Summary = &memory.SummarySource{From: 1, To: 2} }),
		item("a summary of it", func(i *memory.Item) { i.Summary = &memory.SummarySource{From: 1, To: 3} }),
		item("from nowhere", func(*memory.Item) {}),
	}})
	var texts []string
	for _, m := range got {
		texts = append(texts, m.Text())
	}
	if want := []string{"before", "after", "elsewhere", "a fact", "an old summary", "from nowhere"}; !slices.Equal(texts, want) {
		t.Errorf("the model sees %q; want %q", texts, want)
	}
	if !slices.Equal(turn.record.MemoryProblems, []string{"slow"}) {
		t.Errorf("recorded problems: %q", turn.record.MemoryProblems)
	}
}

// following is a memory with Recall that records the requests.
type following struct{ requests []*memory.RecallRequest }

func (*following) Needs() memory.Needs { return memory.Needs{Recall: true, Remember: true} }

func (f *following) Recall(_ context.Context, req *memory.RecallRequest) (*memory.Recalled, error) {
	f.requests = append(f.requests, req)
	return &memory.Recalled{}, nil
}

// TestBot_follow checks what a bot tells the storage and the memory if its memory follows conversations,
// and that a deletion is done only after the memory has forgotten.
func TestBot_follow(t *testing.T) {
	s, m := &logStorage{}, &following{}
	touched := 0
	var forgotten []string
	b := newTestBot(s, says(&llm.Finish{Reason: llm.FinishStop}, nil, llm.Text("hello")), func(p *Parts) {
		p.Memory = m
		p.Follow = &Follow{StoreKey: "key", Touch: func() { touched++ }, Forget: func(_ context.Context, conversation string) error {
			forgotten = append(forgotten, conversation)
			return nil
		}}
	})
	if _, err := b.Chat(t.Context(), Request{ConversationID: "c", Message: "hi"}, nil); err != nil {
		t.Fatal(err)
	}
	if len(s.begins) != 1 || s.begins[0].CursorKey != "key" || touched != 1 || len(m.requests) != 1 {
		t.Errorf("begins %+v, touched %d times, %d recalls", s.begins, touched, len(m.requests))
	}
	if err := b.DeleteConversation(t.Context(), "", "c"); err != nil {
		t.Error(err)
	}
	if !slices.Equal(forgotten, []string{"c"}) {
		t.Errorf("forgotten: %q", forgotten)
	}
}
