package bot

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// pieces is a model that replies with n pieces, which next returns.
type pieces struct {
	llm.LLM
	n    int
	next func(i int) llm.Delta
	seen []int // number of messages in each call
}

func (p *pieces) Chat(_ context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	p.seen = append(p.seen, len(req.Messages))
	for i := range p.n {
		if err := emit(p.next(i)); err != nil {
			return nil, err
		}
	}
	return &llm.Finish{Reason: llm.FinishStop}, nil
}

// kindsOfPieces has the functions that return the pieces of a long reply.
var kindsOfPieces = map[string]func(i int) llm.Delta{
	"text":      func(int) llm.Delta { return llm.Text("some text of a reply ") },
	"reasoning": func(int) llm.Delta { return llm.Reasoning("some thought on it ") },
	"calls": func(i int) llm.Delta {
		return llm.ToolCall(chat.ToolCall{ID: fmt.Sprint(i), Name: "f", Arguments: "{}"})
	},
	"in turns": func(i int) llm.Delta {
		switch i % 3 {
		case 0:
			return llm.Reasoning("r")
		case 1:
			return llm.ToolCall(chat.ToolCall{ID: "i"})
		}
		return llm.Text("t")
	},
	"much text": func(int) llm.Delta { return llm.Text(strings.Repeat("x", 32<<10)) },
}

// TestHeldBytes_replies checks that a reply without an end is cut at the tenant's limit, and
// that only the bytes up to the limit are stored. It also checks that the turn fails if other
// replies hold all bytes of the pool.
//
// beyond: replies
// beyond: reply parts
func TestHeldBytes_replies(t *testing.T) {
	for name, next := range kindsOfPieces {
		t.Run(name, func(t *testing.T) {
			held := NewHeldBytes()
			s := &logStorage{}
			b := newTestBot(s, &pieces{n: 1 << 30, next: next}, func(p *Parts) { p.HeldBytes, p.Limits.ReplyBytes = held, 1<<20 })
			reply, err := b.Chat(t.Context(), Request{ConversationID: "c", Message: "hi"}, nil)
			if err != nil || reply.FinishReason != "length" {
				t.Errorf("%+v, %v", reply, err)
				return
			}
			kept, parts := chat.Size(decoded(s.last(t).Messages...)), len(decoded(s.last(t).Messages...)[0].Parts)
			if kept > 1<<20+1<<10 || kept < 1<<19 && parts != sdk.MaxReplyParts || parts > sdk.MaxReplyParts {
				t.Errorf("%d bytes in %d parts are kept", kept, parts)
			}
			if n := held.replies.Held(); n != 0 {
				t.Errorf("%d bytes are held at the end", n)
			}
			// The calls of tools in the conversation would have to be answered first.
			if err := b.DeleteConversation(t.Context(), "", "c"); err != nil {
				t.Fatal(err)
			}
			share, err := held.replies.Acquire(t.Context(), b.Tenant, bounds.RepliesHeld/2-bounds.ReplyFree)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.Chat(t.Context(), Request{ConversationID: "c", Message: "hi"}, nil); !fault.Is(err, fault.RateLimited) || fault.Of(err).RetryAfter <= 0 {
				t.Error(err)
			}
			if state := s.last(t).State; state != storage.Failed {
				t.Errorf("the turn is %s", state)
			}
			share.Release()
			if n := held.replies.Held(); n != 0 {
				t.Errorf("%d bytes are held at the end", n)
			}
		})
	}
}

// TestHeldBytes_ofADroppedReply checks that a reply which the host drops, because the plugin's process
// ended in the middle of it, holds no bytes while the model is called again, and counts no bytes of the
// next reply.
func TestHeldBytes_ofADroppedReply(t *testing.T) {
	held := NewHeldBytes()
	s := &logStorage{}
	var during []int64 // bytes that are held at the begin and at the end of each call
	calls := 0
	m := funcLLM(func(_ context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
		calls++
		during = append(during, held.replies.Held())
		for range bounds.ReplyFree / (32 << 10) * 3 / calls {
			if err := emit(llm.Reasoning(strings.Repeat("x", 32<<10))); err != nil {
				return nil, err
			}
		}
		during = append(during, held.replies.Held())
		if calls == 1 {
			return nil, ofModel(fault.PluginUnavailable)
		}
		return &llm.Finish{Reason: llm.FinishStop}, emit(llm.Text("ok"))
	})
	if _, err := newTestBot(s, m, func(p *Parts) { p.HeldBytes = held }).Chat(t.Context(), hi, nil); err != nil || calls != 2 {
		t.Fatal(calls, err)
	}
	if during[0] != 0 || during[1] < 3*bounds.ReplyFree || during[2] != 0 || during[3] != 2*bounds.ReplyFree || held.replies.Held() != 0 {
		t.Errorf("%d bytes are held in the calls, %d at the end", during, held.replies.Held())
	}
}

// TestHeldBytes_smallRepliesTakeNoShare checks that a reply of up to bounds.ReplyFree bytes
// succeeds even if the pool has no bytes left.
func TestHeldBytes_smallRepliesTakeNoShare(t *testing.T) {
	held := NewHeldBytes()
	if _, err := held.replies.Acquire(t.Context(), "acme", bounds.RepliesHeld/2); err != nil {
		t.Fatal(err)
	}
	b := newTestBot(&logStorage{}, &pieces{n: 100, next: kindsOfPieces["text"]}, func(p *Parts) { p.Tenant, p.HeldBytes = "acme", held })
	if _, err := b.Chat(t.Context(), Request{ConversationID: "c", Message: "hi"}, nil); err != nil {
		t.Error(err)
	}
}

// TestHeldBytes_tails checks that the model sees all messages of a large conversation, and that
// the turn holds their bytes until the model has replied. It also checks that the turn fails if
// other turns hold all bytes of the pool.
//
// beyond: tails
func TestHeldBytes_tails(t *testing.T) {
	held := NewHeldBytes()
	s := &logStorage{history: []chat.Message{chat.Text(chat.User, strings.Repeat("x", 1<<20)), chat.Text(chat.Assistant, "yes")}}
	during := int64(0) // bytes of tails that are held while the model replies
	m := &pieces{n: 1, next: func(int) llm.Delta { during = held.tails.Held(); return llm.Text("yes") }}
	b := newTestBot(s, m, func(p *Parts) { p.HeldBytes = held })
	if _, err := b.Chat(t.Context(), Request{ConversationID: "c", Message: "hi"}, nil); err != nil {
		t.Fatal(err)
	}
	var asked []int
	for _, r := range s.begins {
		asked = append(asked, r.TailBytes)
	}
	if fmt.Sprint(asked) != fmt.Sprint([]int{bounds.TailFree, sdk.MaxTailBytes}) || during < 1<<20 || during > 2<<20 || held.tails.Held() != 0 {
		t.Errorf("asked for %v bytes, %d are held meanwhile and %d at the end", asked, during, held.tails.Held())
	}
	if last := m.seen[len(m.seen)-1]; last < 2 {
		t.Errorf("the model was shown %d messages", last)
	}
	share, err := held.tails.Acquire(t.Context(), b.Tenant, bounds.TailsHeld/2)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for held.tails.Waiting() == 0 {
			runtime.Gosched()
		}
		cancel(fault.New(fault.RateLimited, "waited enough"))
	}()
	commits := len(s.commits)
	if _, err := b.Chat(ctx, Request{ConversationID: "c", Message: "hi"}, nil); err == nil {
		t.Error("the turn ran")
	}
	if len(s.commits) != commits+1 || s.last(t).State == storage.Succeeded {
		t.Errorf("the turn was not ended: %+v", s.last(t))
	}
	share.Release()
	if n := held.tails.Held(); n != 0 {
		t.Errorf("%d bytes are held at the end", n)
	}
}
