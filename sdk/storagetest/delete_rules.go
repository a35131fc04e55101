package storagetest

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var deleteRules = []Rule{
	{
		Name:  "delete-conversation",
		Doc:   "Delete of a conversation removes that one, whoever asks, and is idempotent.",
		Check: checkDeleteConversation,
	},
	{
		Name:  "delete-user",
		Doc:   "Delete of a user removes the conversations that only the user wrote in, of those that are the user's, and no others.",
		Check: checkDeleteUser,
	},
	{
		Name:  "delete-tenant",
		Doc:   "Delete of a tenant removes all of its conversations, and only when asked for in so many words.",
		Check: checkDeleteTenant,
	},
	{
		Name:  "late-write",
		Doc:   "A turn that runs while its conversation is deleted can no longer be committed, not even when the id is used again.",
		Check: checkLateWrite,
	},
	{
		Name:  "reused-id",
		Doc:   "The id of a deleted conversation starts empty: no turns, no tail, no keys.",
		Check: checkReusedID,
	},
}

// delete deletes the scope and checks that want conversations are removed. It then deletes the
// scope again and checks that no conversation is removed.
func (e *Env) delete(ctx context.Context, what string, scope storage.Scope, want int64) error {
	for _, again := range []string{"", " again"} {
		d, err := e.Storage.Delete(ctx, scope)
		if err != nil || d.Conversations != want || d.More {
			return fmt.Errorf("delete %s%s: %+v, error %v; want %d conversations", what, again, d, err, want)
		}
		want = 0
	}
	return nil
}

// gone checks that the conversation does not exist.
func (t talk) gone(ctx context.Context) error {
	log, err := t.log(ctx, everyTurn)
	if err == nil {
		return fmt.Errorf("a deleted conversation is read with %d turns", len(log))
	}
	return refused("read of a deleted conversation", fault.NotFound, err)
}

// exists checks that the conversation exists.
func (t talk) exists(ctx context.Context) error {
	if _, err := t.log(ctx, everyTurn); err != nil {
		return fmt.Errorf("a conversation that was not deleted: %w", err)
	}
	return nil
}

func checkDeleteConversation(ctx context.Context, env *Env) error {
	c, other := env.talk("c"), env.talk("d")
	for _, t := range []talk{c, other} {
		if _, err := t.turn(ctx, "one"); err != nil {
			return err
		}
	}
	if err := env.delete(ctx, "a conversation", storage.Scope{Call: c.as(env.id("someone")).call}, 1); err != nil {
		return err
	}
	if err := env.delete(ctx, "a conversation that never was", storage.Scope{Call: env.talk("e").call}, 0); err != nil {
		return err
	}
	if err := c.gone(ctx); err != nil {
		return err
	}
	if err := other.exists(ctx); err != nil {
		return err
	}
	left, err := env.list(ctx, c.tenant(), 10)
	if err != nil {
		return err
	}
	return same("the list after the deletion", ids(left), []string{other.call.Conversation})
}

func checkDeleteUser(ctx context.Context, env *Env) error {
	ann, bob := env.id("ann"), env.id("bob")
	one, two, guest := env.talk("c").as(ann), env.talk("d").as(ann), env.talk("e").as(bob)
	for _, t := range []talk{one, two, guest} {
		if _, err := t.turn(ctx, "one"); err != nil {
			return err
		}
	}
	if _, err := guest.as(ann).turn(ctx, "as a guest"); err != nil {
		return err
	}
	if err := env.delete(ctx, "a user", storage.Scope{Call: one.user()}, 2); err != nil {
		return err
	}
	for _, t := range []talk{one, two} {
		if err := t.gone(ctx); err != nil {
			return err
		}
	}
	if err := guest.exists(ctx); err != nil {
		return err
	}
	left, err := env.list(ctx, one.tenant(), 10)
	if err != nil {
		return err
	}
	return same("the list after the deletion", ids(left), []string{guest.call.Conversation})
}

func checkDeleteTenant(ctx context.Context, env *Env) error {
	var talks []talk
	for i := range 5 {
		t := env.talk(fmt.Sprintf("c%d", i)).as(env.id(fmt.Sprintf("user%d", i%2)))
		if _, err := t.turn(ctx, "one"); err != nil {
			return err
		}
		talks = append(talks, t)
	}
	tenant := talks[0].tenant()
	_, err := env.Storage.Delete(ctx, storage.Scope{Call: tenant})
	if err := refused("delete that names nothing and does not say tenant", fault.Invalid, err); err != nil {
		return err
	}
	if err := talks[0].exists(ctx); err != nil {
		return err
	}
	if err := env.delete(ctx, "a tenant", storage.Scope{Call: tenant, Tenant: true}, 5); err != nil {
		return err
	}
	for _, t := range talks {
		if err := t.gone(ctx); err != nil {
			return err
		}
	}
	left, err := env.list(ctx, tenant, 10)
	if err != nil {
		return err
	}
	return same("the list of a deleted tenant", ids(left), []string{})
}

func checkLateWrite(ctx context.Context, env *Env) error {
	for _, try := range []struct {
		what  string
		talk  talk
		scope func(talk) storage.Scope
	}{
		{"the conversation", env.talk("c"), func(t talk) storage.Scope { return storage.Scope{Call: t.call} }},
		{"the user", env.talk("d"), func(t talk) storage.Scope { return storage.Scope{Call: t.user()} }},
		{"the tenant", env.talk("e"), func(t talk) storage.Scope { return storage.Scope{Call: t.tenant(), Tenant: true} }},
	} {
		t := try.talk
		old, err := t.start(ctx, "one")
		if err != nil {
			return err
		}
		if _, err := env.Storage.Delete(ctx, try.scope(t)); err != nil {
			return fmt.Errorf("delete %s while a turn runs: %w", try.what, err)
		}
		_, err = t.end(ctx, old.Fence, storage.Succeeded, "one")
		if err := refused("commit after deletion of "+try.what, fault.Conflict, err); err != nil {
			return err
		}
		if err := t.gone(ctx); err != nil {
			return fmt.Errorf("after a refused commit: %w", err)
		}
		current, err := t.start(ctx, "two")
		if err != nil {
			return fmt.Errorf("after deletion of %s: %w", try.what, err)
		}
		_, err = t.end(ctx, old.Fence, storage.Succeeded, "one")
		if err := refused("commit after the id came to a new incarnation", fault.Conflict, err); err != nil {
			return err
		}
		if n, err := t.end(ctx, current.Fence, storage.Succeeded, "two"); err != nil || n != 1 {
			return fmt.Errorf("commit in the new incarnation: number %d, error %v; want 1", n, err)
		}
	}
	return nil
}

func checkReusedID(ctx context.Context, env *Env) error {
	c := env.talk("c")
	for _, scope := range []storage.Scope{{Call: c.call}, {Call: c.user()}, {Call: c.tenant(), Tenant: true}} {
		if _, err := c.turn(ctx, "old", key("k", "d")); err != nil {
			return err
		}
		if _, err := env.Storage.Delete(ctx, scope); err != nil {
			return fmt.Errorf("delete: %w", err)
		}
		s, err := c.start(ctx, "new", tail(10), key("k", "other"))
		if err != nil {
			return err
		}
		if s.Sequence != 1 || len(s.Tail) != 0 {
			return fmt.Errorf("the new incarnation began with sequence %d and tail %q; want 1 and none", s.Sequence, tailTexts(s))
		}
		if n, err := c.end(ctx, s.Fence, storage.Succeeded, "new"); err != nil || n != 1 {
			return fmt.Errorf("commit in the new incarnation: number %d, error %v; want 1", n, err)
		}
		log, err := c.log(ctx, everyTurn)
		if err != nil || len(log) != 1 {
			return fmt.Errorf("the new incarnation has %d turns, error %v; want 1", len(log), err)
		}
		if _, err := env.Storage.Delete(ctx, storage.Scope{Call: c.call}); err != nil {
			return fmt.Errorf("delete: %w", err)
		}
	}
	return nil
}
