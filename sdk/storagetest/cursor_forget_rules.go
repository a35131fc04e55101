package storagetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var cursorForgetRules = []Rule{
	{
		Name:  "cursor-deleted",
		Doc:   "A cursor of a deleted conversation is to be forgotten until that is done, first by the holder that had it.",
		Check: checkCursorDeleted,
	},
	{
		Name:  "cursor-reused",
		Doc:   "A conversation with a used id has a cursor of its own, beside the one to be forgotten.",
		Check: checkCursorReused,
	},
	{
		Name:  "cursor-emptied",
		Doc:   "When turns of a user are emptied, that is to be forgotten for each cursor of the conversation, which stays.",
		Check: checkCursorEmptied,
	},
	{
		Name:  "cursor-tenant",
		Doc:   "When a tenant is deleted, one cursor of each store key is to be forgotten, in an ended incarnation too.",
		Check: checkCursorTenant,
	},
}

func onlyForget(r *storage.ClaimRequest) { r.Kind = storage.ClaimForget }

func checkCursorDeleted(ctx context.Context, env *Env) error {
	held, free, unknown := env.talk("held"), env.talk("free"), env.talk("unknown")
	one, other := held.follower(), held.follower().via(1)
	for _, t := range []talk{held, free} {
		if _, err := t.turn(ctx, "one"); err != nil {
			return err
		}
	}
	got, err := one.claims(ctx, "the first claim", []string{"held of user at 0", "free of user at 0"})
	if err != nil {
		return err
	}
	if err := one.advance(ctx, got["free of user at 0"], 1, giveUp); err != nil {
		return err
	}
	if _, err := unknown.turn(ctx, "one"); err != nil { // has no cursor
		return err
	}
	for _, t := range []talk{held, free, unknown} {
		if err := env.delete(ctx, t.call.Conversation, storage.Scope{Call: t.call}, 1); err != nil {
			return err
		}
	}
	for range 2 {
		err := one.advance(ctx, got["held of user at 0"], 1)
		if err := refused("advance after the deletion", fault.NotFound, err); err != nil {
			return err
		}
	}
	if _, err := other.claims(ctx, "another holder's claim after the deletion", []string{"forget free"}, onlyForget); err != nil {
		return err
	}
	again, err := one.claims(ctx, "the claim of the holder that had it, after the deletion", []string{"forget held"})
	if err != nil {
		return err
	}
	forget := again["forget held"]
	if forget.Incarnation != got["held of user at 0"].Incarnation {
		return fmt.Errorf("the incarnation %q is to be forgotten; want %q, which was deleted", forget.Incarnation, got["held of user at 0"].Incarnation)
	}
	err = other.advance(ctx, forget, 0, func(r *storage.AdvanceRequest) { r.Forgotten = true })
	if err := refused("advance by a holder that has not claimed what is to be forgotten", fault.Conflict, err); err != nil {
		return err
	}
	if err := one.forgotten(ctx, forget); err != nil {
		return err
	}
	return errors.Join(one.idle(ctx, "claim after it was forgotten", true), one.idle(ctx, "claim of that conversation", false, claimOf(held)))
}

func checkCursorReused(ctx context.Context, env *Env) error {
	c := env.talk("c")
	f := c.follower()
	old, err := c.turn(ctx, "old")
	if err != nil {
		return err
	}
	got, err := f.claims(ctx, "the first claim", []string{"c of user at 0"})
	if err != nil {
		return err
	}
	if err := f.advance(ctx, got["c of user at 0"], 1, cursorData("old"), giveUp); err != nil {
		return err
	}
	if err := env.delete(ctx, "the conversation", storage.Scope{Call: c.call}, 1); err != nil {
		return err
	}
	young, err := c.turn(ctx, "young", func(r *storage.BeginRequest) { r.CursorKey = f.store })
	if err != nil {
		return err
	}
	if young.Cursor != 0 {
		return fmt.Errorf("the new conversation begins with its cursor at %d; want 0", young.Cursor)
	}
	got, err = f.claims(ctx, "claim of the id", []string{"forget c", "c of user at 0"}, claimOf(c))
	if err != nil {
		return err
	}
	if got["forget c"].Incarnation != old.Incarnation || got["c of user at 0"].Incarnation != young.Incarnation {
		return fmt.Errorf("claimed %+v; want to forget the incarnation %q, and to follow %q", got, old.Incarnation, young.Incarnation)
	}
	if err := f.forgotten(ctx, got["forget c"]); err != nil {
		return err
	}
	if err := f.advance(ctx, got["c of user at 0"], 1); err != nil {
		return fmt.Errorf("advance of the new conversation: %w", err)
	}
	return f.idle(ctx, "claim after both", false)
}

func checkCursorEmptied(ctx context.Context, env *Env) error {
	ann, bob := env.id("ann"), env.id("bob")
	c := env.talk("c").as(bob)
	one, other := c.follower(), c.follower().via(1)
	for _, t := range []talk{c, c.as(ann), c} {
		if _, err := t.turn(ctx, "said"); err != nil {
			return err
		}
	}
	got, err := one.claims(ctx, "the first claim", []string{"c of bob at 0"})
	if err != nil {
		return err
	}
	if err := one.advance(ctx, got["c of bob at 0"], 2); err != nil {
		return err
	}
	if d, err := env.Storage.Delete(ctx, storage.Scope{Call: c.as(ann).user()}); err != nil || d.Emptied != 1 {
		return fmt.Errorf("delete a user: %+v, error %v; want 1 turn emptied", d, err)
	}
	if err := other.idle(ctx, "claim of what is to be forgotten while another holder has the conversation", true); err != nil {
		return err
	}
	if err := one.advance(ctx, got["c of bob at 0"], 2, giveUp); err != nil {
		return fmt.Errorf("advance of the conversation of which turns were emptied: %w", err)
	}
	got, err = other.claims(ctx, "claim after that", []string{"forget ann in c", "c of bob at 2"})
	if err != nil {
		return err
	}
	if err := other.forgotten(ctx, got["forget ann in c"]); err != nil {
		return err
	}
	if err := other.advance(ctx, got["c of bob at 2"], 3, giveUp); err != nil {
		return err
	}
	return one.idle(ctx, "claim after all", false)
}

func checkCursorTenant(ctx context.Context, env *Env) error {
	for _, incarnation := range []string{"", env.id("incarnation")} {
		t := env.talkOf("-of"+incarnation, "c")
		t.call.Incarnation = incarnation
		env.talks = append(env.talks, t)
		if err := checkForgetTenant(ctx, env, t); err != nil {
			return fmt.Errorf("tenant with the incarnation %q: %w", incarnation, err)
		}
	}
	return nil
}

func checkForgetTenant(ctx context.Context, env *Env, c talk) error {
	d := c
	d.call.Conversation = env.id("d")
	one, other, foreign := c.follower(), c.follower().via(1), env.talkOf("-b", "c").follower()
	second := c.follower().storeKey("second")
	for _, t := range []talk{c, d} {
		if _, err := t.turn(ctx, "one"); err != nil {
			return err
		}
	}
	got, err := one.claims(ctx, "the first claim", []string{"c of user at 0", "d of user at 0"})
	if err != nil {
		return err
	}
	if err := one.advance(ctx, got["d of user at 0"], 1, giveUp); err != nil {
		return err
	}
	if err := env.delete(ctx, "a conversation", storage.Scope{Call: d.call}, 1); err != nil {
		return err
	}
	if _, err := second.claims(ctx, "the claim of another store key", []string{"c of user at 0"}); err != nil {
		return err
	}
	if err := env.delete(ctx, "the tenant", storage.Scope{Call: c.tenant(), Tenant: true}, 1); err != nil {
		return err
	}
	if err := refused("advance after the deletion of the tenant", fault.NotFound, one.advance(ctx, got["c of user at 0"], 1)); err != nil {
		return err
	}
	if err := errors.Join(
		other.idle(ctx, "another holder's claim after the deletion of the tenant", true, onlyForget),
		foreign.idle(ctx, "claim in another tenant", false, onlyForget),
		c.follower().storeKey("third").idle(ctx, "claim of a store key that had no cursors", false, onlyForget),
	); err != nil {
		return err
	}
	for _, f := range []follower{one, second} {
		got, err := f.claims(ctx, "the holder's claim after the deletion of the tenant", []string{"forget all"}, onlyForget)
		if err != nil {
			return err
		}
		if err := f.forgotten(ctx, got["forget all"]); err != nil {
			return err
		}
		if err := f.idle(ctx, "claim after it was forgotten", false, onlyForget); err != nil {
			return err
		}
	}
	if c.call.Incarnation != "" {
		return nil
	}
	if _, err := c.turn(ctx, "again"); err != nil {
		return err
	}
	_, err = other.claims(ctx, "claim in the tenant that began again", []string{"c of user at 0"})
	return err
}
