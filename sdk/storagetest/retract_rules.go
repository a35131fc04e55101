package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var retractRules = []Rule{
	{
		Name:  "retract",
		Doc:   "Begin retracts the turns from a number on in its step: no tail, list or plain Read has them, their numbers are not used again, and they stay retracted if the new turn fails.",
		Check: checkRetract,
	},
	{
		Name:  "retract-refused",
		Doc:   "A number that no turn has, or whose turn is retracted, is a conflict at retract_from, and nothing begins.",
		Check: checkRetractRefused,
	},
	{
		Name:  "retract-repeat",
		Doc:   "A repeated Begin retracts once, a key replays a retracted turn and retracts nothing, and a busy Begin retracts nothing.",
		Check: checkRetractRepeat,
	},
	{
		Name:  "retract-told",
		Doc:   "Begin with a store key returns the retractions after its cursor, its own included, in order.",
		Check: checkRetractTold,
	},
	{
		Name:  "retract-import",
		Doc:   "Imported turns keep what they retracted and that they are retracted.",
		Check: checkRetractImport,
	},
}

func retractFrom(number int64) func(*storage.BeginRequest) {
	return func(r *storage.BeginRequest) { r.RetractFrom = number }
}

// numbers checks which numbers the turns have that Read returns, and how many turns List counts.
func (t talk) numbers(ctx context.Context, want ...int64) error {
	log, err := t.log(ctx, succeededOnly)
	if err != nil {
		return err
	}
	got := []int64{}
	for _, turn := range log {
		got = append(got, turn.Number)
	}
	all, err := t.env.list(ctx, t.tenant(), 100)
	if err != nil {
		return err
	}
	counted := int64(-1)
	for _, c := range all {
		if c.ID == t.call.Conversation {
			counted = c.Turns
		}
	}
	err = same("the numbers of the turns", got, want)
	if counted != int64(len(want)) {
		err = errors.Join(err, fmt.Errorf("listed with %d turns; want %d", counted, len(want)))
	}
	return err
}

// history returns a line for each turn of the conversation.
func (t talk) history(ctx context.Context) ([]string, error) {
	log, err := t.log(ctx, everyTurn)
	lines := []string{}
	for _, turn := range log {
		line := fmt.Sprintf("%d %d %s", turn.Sequence, turn.Number, turn.State)
		if turn.Retracted {
			line += " retracted"
		}
		if turn.RetractFrom > 0 {
			line += fmt.Sprintf(" retracts from %d", turn.RetractFrom)
		}
		lines = append(lines, line)
	}
	return lines, err
}

func (t talk) hasHistory(ctx context.Context, what string, want ...string) error {
	got, err := t.history(ctx)
	return errors.Join(err, same(what, got, want))
}

func checkRetract(ctx context.Context, env *Env) error {
	if !env.retracts() {
		return ErrSkip
	}
	c := env.talk("c")
	for i := range 4 {
		if _, err := c.turn(ctx, fmt.Sprint("m", i+1)); err != nil {
			return err
		}
	}
	s, err := c.start(ctx, "edited", tail(100), retractFrom(3))
	if err != nil {
		return err
	}
	kept := []string{"m1", "re: m1", "m2", "re: m2"}
	if err := same("the tail of the turn that retracts", tailTexts(s), kept); err != nil {
		return err
	}
	if err := c.numbers(ctx, 1, 2); err != nil {
		return fmt.Errorf("while the turn runs that retracts: %w", err)
	}
	if n, err := c.end(ctx, s.Fence, storage.Succeeded, "edited"); err != nil || n != 5 {
		return fmt.Errorf("commit of the turn that retracts: number %d, error %v; want 5", n, err)
	}
	if err := c.numbers(ctx, 1, 2, 5); err != nil {
		return err
	}
	// A turn that retracts may be retracted too. What it retracted stays retracted.
	s, err = c.start(ctx, "fails", tail(3), retractFrom(5))
	if err != nil {
		return err
	}
	if err := same("the tail of the second turn that retracts", tailTexts(s), kept); err != nil {
		return err
	}
	if _, err := c.end(ctx, s.Fence, storage.Failed, ""); err != nil {
		return err
	}
	if err := c.numbers(ctx, 1, 2); err != nil {
		return fmt.Errorf("after the turn failed that retracts: %w", err)
	}
	s, err = c.turn(ctx, "next", tail(1))
	if err != nil {
		return err
	}
	if err := same("the tail after all", tailTexts(s), kept[2:]); err != nil {
		return err
	}
	if err := c.pages(ctx, everyTurn, 2, 7); err != nil {
		return err
	}
	return errors.Join(c.numbers(ctx, 1, 2, 6), c.hasHistory(ctx, "all turns",
		"1 1 succeeded", "2 2 succeeded", "3 3 succeeded retracted", "4 4 succeeded retracted", "5 5 succeeded retracted retracts from 3",
		"6 0 failed retracts from 5", "7 6 succeeded"))
}

func checkRetractRefused(ctx context.Context, env *Env) error {
	if !env.retracts() {
		return ErrSkip
	}
	refusal := func(t talk, what string, number int64) error {
		_, err := t.begin(ctx, what, retractFrom(number), key("key of "+what, "d"))
		if err := refused(what, fault.Conflict, err); err != nil {
			return err
		}
		if path := fault.Of(err).Path.String(); path != "retract_from" {
			return fmt.Errorf("%s is a conflict at %q; want it at \"retract_from\"", what, path)
		}
		return nil
	}
	none := env.talk("none")
	if err := refusal(none, "retraction in a conversation that does not exist", 1); err != nil {
		return err
	}
	if err := none.gone(ctx); err != nil {
		return fmt.Errorf("after a refused Begin: %w", err)
	}
	c := env.talk("c")
	for i := range 3 {
		if _, err := c.turn(ctx, fmt.Sprint("m", i+1)); err != nil {
			return err
		}
	}
	s, err := c.start(ctx, "fails", retractFrom(3))
	if err != nil {
		return err
	}
	if _, err := c.end(ctx, s.Fence, storage.Failed, ""); err != nil {
		return err
	}
	before, err := c.history(ctx)
	if err != nil {
		return err
	}
	for what, number := range map[string]int64{"retraction of a number beyond the last": 4, "retraction of a retracted turn": 3, "retraction of the greatest number": math.MaxInt64} {
		if err := refusal(c, what, number); err != nil {
			return err
		}
	}
	if _, err := c.begin(ctx, "negative", retractFrom(-1)); !fault.Is(err, fault.Invalid) {
		return fmt.Errorf("retraction of the number -1: %w; want it invalid", err)
	}
	_, err = c.as(env.id("stranger")).begin(ctx, "stranger", retractFrom(9), owned)
	if err := refused("retraction with Owned in another user's conversation", fault.NotFound, err); err != nil {
		return err
	}
	if err := errors.Join(c.hasHistory(ctx, "the log after refused retractions", before...), c.numbers(ctx, 1, 2)); err != nil {
		return err
	}
	s, err = c.start(ctx, "retraction of a number beyond the last", key("key of retraction of a number beyond the last", "other"))
	if err == nil && s.Sequence != 5 {
		err = fmt.Errorf("the turn after refused ones has sequence %d; want 5", s.Sequence)
	}
	return err
}

func checkRetractRepeat(ctx context.Context, env *Env) error {
	if !env.retracts() {
		return ErrSkip
	}
	c := env.talk("c")
	for i := range 3 {
		if _, err := c.turn(ctx, fmt.Sprint("m", i+1), key(fmt.Sprint("k", i+1), "d")); err != nil {
			return err
		}
	}
	attempt := func(r *storage.BeginRequest) { r.Attempt, r.Holder = env.id("attempt"), env.id("host") }
	first, err := c.start(ctx, "edited", tail(10), retractFrom(2), key("edit", "d"), attempt)
	if err != nil {
		return err
	}
	again, err := c.start(ctx, "edited", tail(10), retractFrom(2), key("edit", "d"), attempt)
	if err != nil {
		return fmt.Errorf("the repeated Begin: %w", err)
	}
	if err := same("what the repeated Begin answered", again, first); err != nil {
		return err
	}
	res, err := c.begin(ctx, "meanwhile", retractFrom(1))
	if err := want("begin while the turn runs", "busy (same key: false)", res, err); err != nil {
		return err
	}
	res, err = c.begin(ctx, "meanwhile", retractFrom(9))
	if err := want("begin while the turn runs, with a number that no turn has", "busy (same key: false)", res, err); err != nil {
		return err
	}
	if err := c.numbers(ctx, 1); err != nil {
		return err
	}
	if _, err := c.end(ctx, first.Fence, storage.Succeeded, "edited"); err != nil {
		return err
	}
	for name, sequence := range map[string]int64{"k3": 3, "edit": 4} {
		for _, from := range []int64{2, math.MaxInt64} { // a host that only looks for a key takes a number of no turn
			res, err := c.begin(ctx, "again", key(name, "d"), retractFrom(from))
			if err := want("begin again with the key "+name, "replay", res, err); err != nil {
				return err
			}
			if res.Replay.Sequence != sequence {
				return fmt.Errorf("the key %s replays turn %d; want %d", name, res.Replay.Sequence, sequence)
			}
		}
	}
	res, err = c.begin(ctx, "again", key("k3", "other"), retractFrom(1))
	if err := want("begin with the key of a retracted turn and another digest", "key reused", res, err); err != nil {
		return err
	}
	return c.numbers(ctx, 1, 4)
}
