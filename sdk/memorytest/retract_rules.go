package memorytest

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/sdk/memory"
)

var retractRules = []Rule{
	{
		Name:  "retracted-ahead",
		Doc:   "Nothing is recalled of turns that a retraction in the request names, whatever was remembered.",
		Check: checkRetractedAhead,
	},
	{
		Name:  "remember-retraction",
		Doc:   "Nothing is recalled of turns whose retraction was remembered, also when turns and retraction are remembered again.",
		Check: checkRememberRetraction,
	},
}

func checkRetractedAhead(ctx context.Context, env *Env) error {
	const turns, kept = 12, 4
	t := env.talk("a", "c", turns)
	if err := t.remember(ctx, 1, turns); err != nil {
		return err
	}
	left := &talk{env: env, call: t.call, turns: t.turns[:kept]} // the host's tail has no retracted turns
	for _, from := range []int64{kept + 1, 1} {
		tail := left.tail()
		if from == 1 {
			tail = nil
		}
		got, err := t.recallWith(ctx, tail, t.retraction(from, turns))
		if err != nil {
			return err
		}
		if err := t.nothingOf(got, numbered(from, turns)); err != nil {
			return fmt.Errorf("with a retraction of the turns from %d on: %w", from, err)
		}
	}
	return nil
}

func checkRememberRetraction(ctx context.Context, env *Env) error {
	if !env.Memory.Needs().Remember {
		return ErrSkip
	}
	const turns, from, to = 12, 7, 10 // turn 11 retracts them and succeeds
	t := env.talk("a", "c", turns)
	retracts := memory.Retraction{Sequence: t.turns[to].Sequence, From: from, To: to}
	events := append(t.events(1, to), memory.Event{Retraction: &retracts})
	events = append(events, t.events(to+1, turns)...)
	look := func(when string) error {
		got, err := t.recallWith(ctx, nil)
		if err != nil {
			return err
		}
		if err := t.nothingOf(got, numbered(from, to)); err != nil {
			return fmt.Errorf("%s: %w", when, err)
		}
		return nil
	}
	if err := t.rememberEvents(ctx, 0, events[:to+2]...); err != nil {
		return err
	}
	if err := look("after a retraction"); err != nil {
		return err
	}
	// A host that lost an answer gives the events again.
	for _, after := range []int{0, 5, to} {
		sequence := int64(0)
		if after > 0 {
			sequence = t.turns[after-1].Sequence
		}
		if err := t.rememberEvents(ctx, sequence, events[after:]...); err != nil {
			return err
		}
		if err := look(fmt.Sprintf("after the events from %d on were remembered again", after+1)); err != nil {
			return err
		}
	}
	return nil
}
