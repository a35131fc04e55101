package storagetest

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var turnRules = []Rule{
	{
		Name:  "turn",
		Doc:   "A turn holds its conversation from Begin to Commit, and a Begin in between is busy and leaves no trace.",
		Check: checkTurn,
	},
	{
		Name:  "begin-repeat",
		Doc:   "A repeated Begin of the running turn is known by its attempt and started again, with the same fence.",
		Check: checkBeginRepeat,
	},
	{
		Name:  "commit-repeat",
		Doc:   "The first Commit of a turn wins; a repeat answers the same and changes nothing.",
		Check: checkCommitRepeat,
	},
	{
		Name:  "fences",
		Doc:   "A fence is good for its own turn, conversation and tenant only.",
		Check: checkFences,
	},
}

func checkTurn(ctx context.Context, env *Env) error {
	c := env.talk("c")
	first, err := c.start(ctx, "one", tail(10))
	if err != nil {
		return err
	}
	if first.Sequence != 1 || first.Fence == "" || len(first.Tail) != 0 {
		return fmt.Errorf("the first turn began as %+v; want sequence 1, a fence and no tail", *first)
	}
	for range 2 {
		res, err := c.begin(ctx, "meanwhile", tail(10))
		if err := want("begin while a turn runs", "busy (same key: false)", res, err); err != nil {
			return err
		}
	}
	running, err := c.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	if len(running) != 1 {
		return fmt.Errorf("the conversation has %d turns while its first runs; want 1", len(running))
	}
	if t := running[0]; t.State != storage.Running || t.Number != 0 || !t.EndedAt.IsZero() {
		return fmt.Errorf("the running turn is %s, number %d, ended at %v; want running, 0 and no time", t.State, t.Number, t.EndedAt)
	}
	if err := same("messages of the running turn", texts(running[0].Messages), []string{"one"}); err != nil {
		return err
	}
	if n, err := c.end(ctx, first.Fence, storage.Succeeded, "one"); err != nil || n != 1 {
		return fmt.Errorf("commit of the first turn: number %d, error %v; want 1", n, err)
	}
	second, err := c.start(ctx, "two")
	if err != nil {
		return err
	}
	if second.Sequence != 2 {
		return fmt.Errorf("the second turn has sequence %d; want 2", second.Sequence)
	}
	if n, err := c.end(ctx, second.Fence, storage.Succeeded, "two"); err != nil || n != 2 {
		return fmt.Errorf("commit of the second turn: number %d, error %v; want 2", n, err)
	}
	log, err := c.log(ctx, succeededOnly)
	if err != nil {
		return err
	}
	var got []string
	for _, t := range log {
		got = append(got, fmt.Sprint(t.Sequence, t.Number, t.State, texts(t.Messages)))
	}
	return same("the log", got, []string{"1 1 succeeded [one re: one]", "2 2 succeeded [two re: two]"})
}

func checkBeginRepeat(ctx context.Context, env *Env) error {
	for _, key := range []string{"", "k"} {
		if err := checkRepeatOf(ctx, env, key); err != nil {
			return fmt.Errorf("with key %q: %w", key, err)
		}
	}
	return nil
}

func checkRepeatOf(ctx context.Context, env *Env, key string) error {
	c := env.talk("c" + key)
	if _, err := c.turn(ctx, "zero"); err != nil {
		return err
	}
	repeat := func(r *storage.BeginRequest) {
		r.Attempt, r.Holder, r.Key, r.Tail = env.id("attempt"), env.id("host"), key, 10
	}
	first, err := c.start(ctx, "one", repeat)
	if err != nil {
		return err
	}
	again, err := c.start(ctx, "one", repeat)
	if err != nil {
		return fmt.Errorf("the repeat: %w", err)
	}
	if err := same("what the repeat answered", again, first); err != nil {
		return err
	}
	if log, err := c.log(ctx, everyTurn); err != nil || len(log) != 2 {
		return fmt.Errorf("after the repeat: %d turns, error %v; want 2", len(log), err)
	}
	res, err := c.begin(ctx, "one", repeat, func(r *storage.BeginRequest) { r.Attempt = env.id("other") })
	if err != nil {
		return err
	}
	if res.Busy == nil {
		return fmt.Errorf("begin of another attempt answered %s; want busy", outcome(res))
	}
	if n, err := c.end(ctx, again.Fence, storage.Succeeded, "one"); err != nil || n != 2 {
		return fmt.Errorf("commit after the repeat: number %d, error %v; want 2", n, err)
	}
	next, err := c.start(ctx, "two", func(r *storage.BeginRequest) { r.Attempt = env.id("next") })
	if err == nil && next.Fence == first.Fence {
		err = fmt.Errorf("two turns have the fence %q", next.Fence)
	}
	return err
}

func checkCommitRepeat(ctx context.Context, env *Env) error {
	c := env.talk("c")
	first, err := c.start(ctx, "one")
	if err != nil {
		return err
	}
	err = together(8, func(int) error {
		n, err := c.end(ctx, first.Fence, storage.Succeeded, "one")
		if err != nil || n != 1 {
			return fmt.Errorf("one of 8 equal commits at once: number %d, error %v; want 1", n, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if n, err := c.end(ctx, first.Fence, storage.Succeeded, "something else"); err != nil || n != 1 {
		return fmt.Errorf("commit again with another reply: number %d, error %v; want 1", n, err)
	}
	_, err = c.end(ctx, first.Fence, storage.Failed, "one")
	if err := refused("commit again as failed", fault.Conflict, err); err != nil {
		return err
	}
	second, err := c.start(ctx, "two")
	if err != nil {
		return err
	}
	if n, err := c.end(ctx, first.Fence, storage.Succeeded, "one"); err != nil || n != 1 {
		return fmt.Errorf("commit again while the next turn runs: number %d, error %v; want 1", n, err)
	}
	for range 2 {
		if n, err := c.end(ctx, second.Fence, storage.Failed, ""); err != nil || n != 0 {
			return fmt.Errorf("commit of a failed turn: number %d, error %v; want 0", n, err)
		}
	}
	_, err = c.end(ctx, second.Fence, storage.Succeeded, "two")
	if err := refused("commit of a failed turn again as succeeded", fault.Conflict, err); err != nil {
		return err
	}
	log, err := c.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	var got []string
	for _, t := range log {
		got = append(got, fmt.Sprint(t.Number, t.State, texts(t.Messages)))
	}
	return same("the log after all repeats", got, []string{"1 succeeded [one re: one]", "0 failed [two]"})
}

func checkFences(ctx context.Context, env *Env) error {
	c, other, foreign := env.talk("c"), env.talk("d"), env.talkOf("-b", "c")
	mine, err := c.start(ctx, "mine")
	if err != nil {
		return err
	}
	if _, err := other.start(ctx, "other conversation"); err != nil {
		return err
	}
	if _, err := foreign.start(ctx, "other tenant"); err != nil {
		return err
	}
	for _, try := range []struct {
		what  string
		talk  talk
		fence string
	}{
		{"no fence", c, ""},
		{"a made-up fence", c, "1"},
		{"a fence with something added", c, mine.Fence + "0"},
		{"a fence of another conversation", other, mine.Fence},
		{"a fence of another tenant", foreign, mine.Fence},
		{"a fence for a conversation that does not exist", env.talk("none"), mine.Fence},
		{"a fence for a tenant that does not exist", env.talkOf("-none", "c"), mine.Fence},
	} {
		_, err := try.talk.end(ctx, try.fence, storage.Succeeded, "intruder")
		if err := refused("commit with "+try.what, fault.Conflict, err); err != nil {
			return err
		}
	}
	for _, t := range []talk{c, other, foreign} {
		log, err := t.log(ctx, everyTurn)
		if err != nil {
			return err
		}
		if len(log) != 1 || log[0].State != storage.Running {
			return fmt.Errorf("a refused commit changed conversation %q: %+v", t.call.Conversation, log)
		}
	}
	if n, err := c.end(ctx, mine.Fence, storage.Succeeded, "mine"); err != nil || n != 1 {
		return fmt.Errorf("commit with the right fence after wrong ones: number %d, error %v; want 1", n, err)
	}
	return nil
}
