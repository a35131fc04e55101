package memorytest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/memory"
)

// Env gives a rule the memory under test.
type Env struct {
	Memory memory.Memory

	rule, run string
}

func newRun() string { return strings.ToLower(rand.Text()[:8]) }

// talk is a conversation with its log, as a storage would keep it. All messages have different
// texts, so that a rule can find each message in the log.
type talk struct {
	env  *Env
	call sdk.Call
	log  []chat.Message
}

func (e *Env) talk(tenant, conversation string, turns int) *talk {
	t := &talk{env: e, call: sdk.Call{
		Tenant:       fmt.Sprintf("kit-%s-%s-%s", e.run, e.rule, tenant),
		Conversation: conversation, User: "user of " + conversation,
	}}
	for i := range turns {
		text := fmt.Sprintf("%s/%s asks for the password, time %d", tenant, conversation, i)
		user := chat.Text(chat.User, text)
		if i%3 == 2 {
			user.Parts = append(user.Parts, chat.Part{Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte(text)}})
		}
		t.log = append(t.log, user, chat.Text(chat.Assistant, "re: "+text))
	}
	return t
}

// remember calls Remember with the turns whose numbers are from..to. It does nothing if the memory
// does not need Remember.
func (t *talk) remember(ctx context.Context, from, to int) error {
	r, ok := t.env.Memory.(memory.Rememberer)
	if !ok || !t.env.Memory.Needs().Remember {
		return nil
	}
	var turns []memory.Turn
	for n := from; n <= to; n++ {
		turns = append(turns, memory.Turn{Number: int64(n), Messages: t.log[2*n-2 : 2*n]})
	}
	if err := r.Remember(ctx, t.call, turns); err != nil {
		return fmt.Errorf("remember turns %d to %d: %w", from, to, err)
	}
	return nil
}

// recall calls Recall with the tail that the memory needs.
func (t *talk) recall(ctx context.Context) ([]chat.Message, error) {
	tail := t.log[max(0, len(t.log)-t.env.Memory.Needs().Tail):]
	got, err := t.env.Memory.Recall(ctx, &memory.RecallRequest{
		Call: t.call, Tail: tail, Message: chat.Text(chat.User, "what was the password?"),
	})
	if err != nil {
		return nil, fmt.Errorf("recall: %w", err)
	}
	return got, nil
}

// among checks that each message is in the conversation's log unchanged, at most once, and in the
// order of the log.
func (t *talk) among(messages []chat.Message) error {
	next := 0
	for i, m := range messages {
		got := encode(m)
		for next < len(t.log) && encode(t.log[next]) != got {
			next++
		}
		if next == len(t.log) {
			return fmt.Errorf("message %d of %d recalled is not of the conversation, or twice, or out of order: %.200s", i+1, len(messages), got)
		}
		next++
	}
	return nil
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
