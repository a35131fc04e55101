package memorytest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/memory"
)

// Env gives a rule the memory under test.
type Env struct {
	Memory memory.Memory

	rule, run    string
	incarnations atomic.Int64 // how many conversations the rule has made
}

func newRun() string { return strings.ToLower(rand.Text()[:8]) }

// talk is a conversation with its log, as a storage would keep it. All messages have different
// texts, so that a rule can find each message in the log.
type talk struct {
	env   *Env
	call  sdk.Call
	turns []memory.Turn
}

func (e *Env) talk(tenant, conversation string, turns int) *talk {
	t := &talk{env: e, call: sdk.Call{
		Tenant:       fmt.Sprintf("kit-%s-%s-%s", e.run, e.rule, tenant),
		Conversation: conversation, User: "user of " + conversation,
		Incarnation: "1", ConversationIncarnation: fmt.Sprintf("%s-%s-%d", tenant, conversation, e.incarnations.Add(1)),
	}}
	start := time.Date(2024, 2, 29, 23, 59, 58, 0, time.UTC)
	for i := range turns {
		text := fmt.Sprintf("%s/%s asks for the password, time %d.", tenant, conversation, i)
		user := chat.Text(chat.User, text)
		if i%3 == 2 {
			user.Parts = append(user.Parts, chat.Part{Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte(text)}})
		}
		began := start.Add(time.Duration(i) * time.Hour)
		t.turns = append(t.turns, memory.Turn{Sequence: int64(2*i + 2), Number: int64(i + 1), User: t.call.User, // every second turn failed
			StartedAt: began, EndedAt: began.Add(time.Second), Messages: []chat.Message{user, chat.Text(chat.Assistant, "re: "+text)}})
	}
	return t
}

// remember calls Remember with the turns whose numbers are from..to. It does nothing if the memory
// does not need Remember.
func (t *talk) remember(ctx context.Context, from, to int) error {
	after := int64(0)
	if from > 1 {
		after = t.turns[from-2].Sequence
	}
	return t.rememberEvents(ctx, after, t.events(from, to)...)
}

// events returns the turns whose numbers are from..to as events.
func (t *talk) events(from, to int) (events []memory.Event) {
	for n := from; n <= to; n++ {
		events = append(events, memory.Event{Turn: &t.turns[n-1]})
	}
	return events
}

// rememberEvents calls Remember with the events after a sequence, and again with the rest until all
// are kept. It does nothing if the memory does not need Remember.
func (t *talk) rememberEvents(ctx context.Context, after int64, events ...memory.Event) error {
	r, ok := t.env.Memory.(memory.Rememberer)
	if !ok || !t.env.Memory.Needs().Remember {
		return nil
	}
	for len(events) > 0 {
		kept, err := r.Remember(ctx, &memory.RememberRequest{Call: t.call, Events: events, After: after})
		if err != nil {
			return fmt.Errorf("remember %d events after %d: %w", len(events), after, err)
		}
		if last := events[len(events)-1].Sequence(); kept <= after || kept > last {
			return fmt.Errorf("remember of %d events after %d up to %d kept all up to %d; want it to get on, and no further than it was given", len(events), after, last, kept)
		}
		after = kept
		events = slices.DeleteFunc(slices.Clone(events), func(e memory.Event) bool { return e.Sequence() <= kept })
	}
	return nil
}

// retraction returns a retraction of the turns whose numbers are from..to, by a turn after all.
func (t *talk) retraction(from, to int64) memory.Retraction {
	return memory.Retraction{Sequence: t.turns[len(t.turns)-1].Sequence + 1, From: from, To: to}
}

// tail returns the newest turns with the messages that the memory needs, as a host passes them.
func (t *talk) tail() (tail []memory.Turn) {
	need := t.env.Memory.Needs().Tail
	for _, turn := range slices.Backward(t.turns) {
		if need <= 0 {
			break
		}
		n := min(need, len(turn.Messages))
		turn.Messages = turn.Messages[len(turn.Messages)-n:]
		need -= n
		tail = append(tail, turn)
	}
	slices.Reverse(tail)
	return tail
}

// recall calls Recall with the tail that the memory needs, and returns the recalled messages.
func (t *talk) recall(ctx context.Context) ([]chat.Message, error) {
	return t.recallWith(ctx, t.tail())
}

func (t *talk) recallWith(ctx context.Context, tail []memory.Turn, retractions ...memory.Retraction) ([]chat.Message, error) {
	got, err := t.env.Memory.Recall(ctx, &memory.RecallRequest{
		Call: t.call, Tail: tail, Retractions: retractions, Messages: []chat.Message{chat.Text(chat.User, "what was the password?")},
	})
	if err != nil {
		return nil, fmt.Errorf("recall: %w", err)
	}
	var messages []chat.Message
	for _, item := range got.Items {
		messages = append(messages, item.Message)
	}
	return messages, nil
}

// among checks that each message is in the conversation's log unchanged, at most once, and in the
// order of the log.
func (t *talk) among(messages []chat.Message) error {
	log, next := memory.Messages(t.turns), 0
	for i, m := range messages {
		got := encode(m)
		for next < len(log) && encode(log[next]) != got {
			next++
		}
		if next == len(log) {
			return fmt.Errorf("message %d of %d recalled is not of the conversation, or twice, or out of order: %.200s", i+1, len(messages), got)
		}
		next++
	}
	return nil
}

// nothingOf checks that no message has the text of a turn that out selects.
func (t *talk) nothingOf(messages []chat.Message, out func(memory.Turn) bool) error {
	for _, turn := range t.turns {
		said := turn.Messages[0].Text()
		if !out(turn) {
			continue
		}
		for _, m := range messages {
			if strings.Contains(m.Text(), said) {
				return fmt.Errorf("%s/%s recalled %.200q of turn %d", t.call.Tenant, t.call.Conversation, m.Text(), turn.Number)
			}
		}
	}
	return nil
}

// numbered returns a function that selects the turns whose numbers are from..to.
func numbered(from, to int64) func(memory.Turn) bool {
	return func(t memory.Turn) bool { return t.Number >= from && t.Number <= to }
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// together calls f concurrently with 0 to n-1 and joins the errors.
func together(n int, f func(i int) error) error {
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- f(i) }()
	}
	all := make([]error, n)
	for i := range n {
		all[i] = <-errs
	}
	return errors.Join(all...)
}
