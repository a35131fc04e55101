package storagetest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
)

var logRules = []Rule{
	{
		Name:  "tail",
		Doc:   "The tail is the newest turns, oldest first, up to the one with which they have N messages or more, and all of them when there are fewer.",
		Check: checkTail,
	},
	{
		Name:  "tail-turns",
		Doc:   "A tail has whole turns with all their messages, and their sequences, numbers, users and times.",
		Check: checkTailTurns,
	},
	{
		Name:  "failed-apart",
		Doc:   "Turns that failed or were interrupted are kept with reason, reply and usage, have no number and are in no tail.",
		Check: checkFailedApart,
	},
	{
		Name:  "begun",
		Doc:   "A conversation exists, and is listed, from its first Begin on, whatever became of that turn.",
		Check: checkBegun,
	},
}

func checkTail(ctx context.Context, env *Env) error {
	c := env.talk("c")
	all := []string{}
	for i, n := range []int{0, 5, 1, 2, 3, 4, 0, 7, 13, 100, 17, 19, 26, 1000} {
		text := fmt.Sprintf("m%d", i)
		s, err := c.turn(ctx, text, tail(n))
		if err != nil {
			return err
		}
		what := fmt.Sprintf("the turns with the newest %d of %d messages", n, len(all))
		n += n % 2 // each turn has two messages
		if err := same(what, tailTexts(s), all[max(0, len(all)-n):]); err != nil {
			return err
		}
		all = append(all, text, "re: "+text)
	}
	return nil
}

func checkTailTurns(ctx context.Context, env *Env) error {
	c := env.talk("c")
	for i, n := range []int{1, 3, sdk.MaxBeginMessages, 2} { // n messages begin the turn
		t, text := c, fmt.Sprint("m", i+1)
		if i%2 == 1 {
			t = c.as(env.id("guest"))
		}
		s, err := t.start(ctx, text, func(r *storage.BeginRequest) {
			for part := range n - 1 {
				r.Messages = append(r.Messages, said(fmt.Sprintf("%s, part %d", text, part+2)))
			}
		})
		if err != nil {
			return err
		}
		if _, err := t.end(ctx, s.Fence, storage.Succeeded, text); err != nil {
			return err
		}
		if err := c.failed(ctx); err != nil {
			return err
		}
	}
	log, err := c.log(ctx, succeededOnly)
	if err != nil {
		return err
	}
	if n := len(log[1].Messages); n != 4 || textOf(log[1].Messages[2]) != "m2, part 3" {
		return fmt.Errorf("a turn that began with 3 messages is read with %q", texts(log[1].Messages))
	}
	for _, try := range []struct{ messages, turns int }{{0, 0}, {1, 1}, {3, 1}, {4, 2}, {3 + sdk.MaxBeginMessages + 1, 2}, {3 + sdk.MaxBeginMessages + 2, 3}, {1000, 4}} {
		s, err := c.start(ctx, "next", tail(try.messages))
		if err != nil {
			return err
		}
		what := fmt.Sprintf("a tail of %d messages", try.messages)
		if s.TailCut {
			return fmt.Errorf("%s says that it was cut", what)
		}
		// A storage may leave other fields of the turns out.
		want := make([]storage.Turn, 0, try.turns)
		for _, t := range log[len(log)-try.turns:] {
			want = append(want, inTail(t))
		}
		got := make([]storage.Turn, 0, len(s.Tail))
		for _, t := range s.Tail {
			got = append(got, inTail(t))
		}
		if err := sameTurns(what, got, want); err != nil {
			return err
		}
		if _, err := c.end(ctx, s.Fence, storage.Failed, ""); err != nil {
			return err
		}
	}
	return nil
}

// inTail returns the turn with only the fields that each storage returns in a tail.
func inTail(t storage.Turn) storage.Turn {
	return storage.Turn{Sequence: t.Sequence, Number: t.Number, User: t.User, Messages: t.Messages, StartedAt: t.StartedAt, EndedAt: t.EndedAt}
}

// failed runs a turn that fails.
func (t talk) failed(ctx context.Context) error {
	s, err := t.start(ctx, "fails")
	if err == nil {
		_, err = t.end(ctx, s.Fence, storage.Failed, "")
	}
	return err
}

func checkFailedApart(ctx context.Context, env *Env) error {
	c := env.talk("c")
	if _, err := c.turn(ctx, "one"); err != nil {
		return err
	}
	usage := json.RawMessage(`{"input_tokens": 7}`)
	for _, state := range []storage.State{storage.Failed, storage.Interrupted} {
		s, err := c.start(ctx, state.String())
		if err != nil {
			return err
		}
		n, err := env.Storage.Commit(ctx, &storage.CommitRequest{
			Call: c.call, Fence: s.Fence, State: state, Reason: "canceled: " + state.String(),
			Messages: []storage.Message{reply("half")}, Usage: usage,
		})
		if err != nil || n != 0 {
			return fmt.Errorf("commit of a turn that %s: number %d, error %v; want 0", state, n, err)
		}
	}
	two, err := c.turn(ctx, "two", tail(10))
	if err != nil {
		return err
	}
	if err := same("the tail after failed turns", tailTexts(two), []string{"one", "re: one"}); err != nil {
		return err
	}
	for _, all := range []bool{false, true} {
		log, err := c.log(ctx, selection(all))
		if err != nil {
			return err
		}
		var got []string
		for _, t := range log {
			got = append(got, fmt.Sprintf("%d %d %v (%s) %v %d",
				t.Sequence, t.Number, t.State, t.Reason, texts(t.Messages), tokensOf(t.Usage)))
		}
		want := []string{
			"1 1 succeeded () [one re: one] 0",
			"2 0 failed (canceled: failed) [failed re: half] 7",
			"3 0 interrupted (canceled: interrupted) [interrupted re: half] 7",
			"4 2 succeeded () [two re: two] 0",
		}
		if !all {
			want = []string{want[0], want[3]}
		}
		for i := range want {
			if i < len(got) && got[i] != want[i] {
				return fmt.Errorf("turn %d of the log (all: %t) is %q; want %q", i+1, all, got[i], want[i])
			}
		}
		if len(got) != len(want) {
			return fmt.Errorf("the log (all: %t) has %d turns; want %d", all, len(got), len(want))
		}
	}
	return nil
}

func checkBegun(ctx context.Context, env *Env) error {
	c := env.talk("c")
	s, err := c.start(ctx, "one")
	if err != nil {
		return err
	}
	look := func(moment string) error {
		if log, err := c.log(ctx, succeededOnly); err != nil || len(log) != 0 {
			return fmt.Errorf("read %s: %d turns, error %v; want none", moment, len(log), err)
		}
		page, err := env.Storage.List(ctx, &storage.ListRequest{Call: c.tenant(), Limit: 10})
		if err != nil {
			return fmt.Errorf("list %s: %w", moment, err)
		}
		if n := len(page.Conversations); n != 1 || page.Conversations[0].Turns != 0 {
			return fmt.Errorf("list %s: %+v; want the conversation, with 0 turns", moment, page.Conversations)
		}
		return nil
	}
	if err := look("while its first turn runs"); err != nil {
		return err
	}
	if _, err := c.end(ctx, s.Fence, storage.Failed, ""); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return look("after its only turn failed")
}
