package memorytest

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/memory"
)

var forgetRules = []Rule{
	{
		Name:  "forget",
		Doc:   "What is forgotten is not recalled, for a conversation's incarnation, a user in it and a tenant's incarnation, and nothing else is lost.",
		Check: checkForget,
	},
	{
		Name:  "forget-user",
		Doc:   "Of a user that is forgotten in a conversation nothing is recalled there, and what others said stays.",
		Check: checkForgetUser,
	},
	{
		Name:  "reused-id",
		Doc:   "A conversation or a tenant with a used id has what its own incarnation was told, before and after the old one is forgotten.",
		Check: checkReusedID,
	},
}

// forgetter returns the memory as a Forgetter, or ErrSkip if it keeps nothing.
func (e *Env) forgetter() (memory.Forgetter, error) {
	f, ok := e.Memory.(memory.Forgetter)
	if !ok || !e.Memory.Needs().Remember {
		return nil, ErrSkip
	}
	return f, nil
}

// forget forgets the call's data, twice.
func (e *Env) forget(ctx context.Context, call sdk.Call) error {
	f, err := e.forgetter()
	if err != nil {
		return err
	}
	for range 2 {
		if err := f.Forget(ctx, call); err != nil {
			return fmt.Errorf("forget %+v: %w", call, err)
		}
	}
	return nil
}

// whole returns the call without the user.
func (t *talk) whole() sdk.Call {
	call := t.call
	call.User = ""
	return call
}

// tenant returns the call with the tenant alone.
func (t *talk) tenant() sdk.Call {
	return sdk.Call{Tenant: t.call.Tenant, Incarnation: t.call.Incarnation}
}

// recallOld returns the texts that the memory recalls when the tail is empty.
func (t *talk) recallOld(ctx context.Context) ([]string, error) {
	got, err := t.recallWith(ctx, nil)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, m := range got {
		texts = append(texts, m.Text())
	}
	return texts, nil
}

// recallsOld checks that the memory recalls the same as before when the tail is empty.
func (t *talk) recallsOld(ctx context.Context, when string, before []string) error {
	got, err := t.recallOld(ctx)
	if err == nil && encode(got) != encode(before) {
		err = fmt.Errorf("%s/%s recalled %.300q %s; want %.300q", t.call.Tenant, t.call.Conversation, got, when, before)
	}
	return err
}

func checkForget(ctx context.Context, env *Env) error {
	if _, err := env.forgetter(); err != nil {
		return err
	}
	const turns = 12
	conversation, user, tenant := env.talk("a", "c", turns), env.talk("a", "u", turns), env.talk("b", "c", turns)
	kept := []*talk{env.talk("a", "kept", turns), env.talk("c", "c", turns)}
	for _, t := range append([]*talk{conversation, user, tenant}, kept...) {
		if err := t.remember(ctx, 1, turns); err != nil {
			return err
		}
	}
	var before [][]string
	for _, t := range kept {
		old, err := t.recallOld(ctx)
		if err != nil {
			return err
		}
		before = append(before, old)
	}
	for _, call := range []sdk.Call{conversation.whole(), user.call, tenant.tenant()} {
		if err := env.forget(ctx, call); err != nil {
			return err
		}
	}
	for _, t := range []*talk{conversation, user, tenant} {
		if err := t.recallsOld(ctx, "after it was forgotten", nil); err != nil {
			return err
		}
	}
	for i, t := range kept {
		if err := t.recallsOld(ctx, "after others were forgotten", before[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkForgetUser(ctx context.Context, env *Env) error {
	if _, err := env.forgetter(); err != nil {
		return err
	}
	const turns = 12
	t, alone := env.talk("a", "c", turns), env.talk("b", "c", turns)
	guest := func(turn memory.Turn) bool { return turn.Number%2 == 0 }
	var rest []memory.Turn
	for i, turn := range t.turns {
		if guest(turn) {
			t.turns[i].User, alone.turns[i].User = "guest", "guest"
		} else {
			rest = append(rest, t.turns[i])
		}
	}
	for _, t := range []*talk{t, alone} {
		if err := t.remember(ctx, 1, turns); err != nil {
			return err
		}
	}
	before, err := alone.recallOld(ctx)
	if err != nil {
		return err
	}
	call := t.call
	call.User = "guest"
	if err := env.forget(ctx, call); err != nil {
		return err
	}
	got, err := t.recallWith(ctx, nil)
	if err != nil {
		return err
	}
	if err := t.nothingOf(got, guest); err != nil {
		return fmt.Errorf("after the user was forgotten: %w", err)
	}
	if len(before) > 0 && len(got) == 0 {
		return fmt.Errorf("nothing is recalled of the %d turns of another user", len(rest))
	}
	return alone.recallsOld(ctx, "after a user was forgotten in another tenant", before)
}

func checkReusedID(ctx context.Context, env *Env) error {
	if _, err := env.forgetter(); err != nil {
		return err
	}
	const turns = 12
	for _, reused := range []struct {
		what  string
		begin func(call *sdk.Call)   // makes the call of the new incarnation
		old   func(t *talk) sdk.Call // what to forget of the old one
	}{
		{"conversation", func(c *sdk.Call) { c.ConversationIncarnation += "-new" }, (*talk).whole},
		{"tenant", func(c *sdk.Call) { c.Incarnation, c.ConversationIncarnation = "2", c.ConversationIncarnation+"-new" }, (*talk).tenant},
	} {
		old := env.talk(reused.what, "c", turns)
		if err := old.remember(ctx, 1, turns); err != nil {
			return err
		}
		young := &talk{env: env, call: old.call}
		reused.begin(&young.call)
		if err := young.recallsOld(ctx, "of an old incarnation of the "+reused.what, nil); err != nil {
			return err
		}
		young.turns = env.talk(reused.what, "new", 3).turns
		if err := young.remember(ctx, 1, 3); err != nil {
			return err
		}
		before, err := young.recallOld(ctx)
		if err != nil {
			return err
		}
		if err := env.forget(ctx, reused.old(old)); err != nil {
			return err
		}
		if err := young.recallsOld(ctx, "after the old incarnation of the "+reused.what+" was forgotten", before); err != nil {
			return err
		}
		if err := old.recallsOld(ctx, "after it was forgotten", nil); err != nil {
			return err
		}
	}
	return nil
}
