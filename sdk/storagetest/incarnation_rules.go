package storagetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var incarnationRules = []Rule{
	{
		Name:  "tenant-incarnations",
		Doc:   "A tenant id with a new incarnation starts empty, and a deleted incarnation takes no late writes.",
		Check: checkTenantIncarnations,
	},
	{
		Name:  "incarnation",
		Doc:   "Begin and List name the incarnation of a conversation, which stays, and which no other conversation of the tenant gets, also when the id is used again.",
		Check: checkIncarnation,
	},
}

func checkIncarnation(ctx context.Context, env *Env) error {
	c, d := env.talk("c"), env.talk("d")
	seen := map[string]string{} // a name for each incarnation
	look := func(what string, t talk) error {
		s, err := t.start(ctx, what)
		if err != nil {
			return err
		}
		if n := len(s.Incarnation); n < 1 || n > 64 {
			return fmt.Errorf("the incarnation of %s has %d bytes; want 1 to 64", what, n)
		}
		if other, used := seen[s.Incarnation]; used {
			return fmt.Errorf("%s has the incarnation of %s", what, other)
		}
		seen[s.Incarnation] = what
		if _, err := t.end(ctx, s.Fence, storage.Failed, ""); err != nil {
			return err
		}
		for i := range 3 {
			again, err := t.via(i).turn(ctx, "again")
			if err != nil {
				return err
			}
			if again.Incarnation != s.Incarnation {
				return fmt.Errorf("the incarnation of %s changed", what)
			}
		}
		entry, err := t.entry(ctx)
		if err == nil && entry.Incarnation != s.Incarnation {
			err = fmt.Errorf("%s is listed with the incarnation %q; want %q, as Begin returned", what, entry.Incarnation, s.Incarnation)
		}
		return err
	}
	if err := errors.Join(look("c", c), look("d", d)); err != nil {
		return err
	}
	for _, deletion := range []struct {
		what  string
		scope storage.Scope
		want  int64
	}{
		{"a deletion", storage.Scope{Call: c.call}, 1},
		{"a deletion of the user", storage.Scope{Call: c.user()}, 2},
		{"a deletion of the tenant", storage.Scope{Call: c.tenant(), Tenant: true}, 1},
	} {
		if err := env.delete(ctx, deletion.what, deletion.scope, deletion.want); err != nil {
			return err
		}
		if err := look("c after "+deletion.what, c); err != nil {
			return err
		}
	}
	return nil
}

func checkTenantIncarnations(ctx context.Context, env *Env) error {
	old, young := env.talkOf("", "c"), env.talkOf("", "c")
	old.call.Incarnation, young.call.Incarnation = env.id("incarnation-1"), env.id("incarnation-2")
	env.talks = append(env.talks, old, young) // so that Env.clean deletes both incarnations
	if _, err := old.turn(ctx, "old", key("k", "d")); err != nil {
		return err
	}
	first, err := young.turn(ctx, "young", tail(10), key("k", "other"))
	if err != nil {
		return fmt.Errorf("in the second incarnation: %w", err)
	}
	if first.Sequence != 1 || len(first.Tail) != 0 {
		return fmt.Errorf("the second incarnation began with sequence %d and tail %q; want 1 and none", first.Sequence, tailTexts(first))
	}
	running, err := old.start(ctx, "running")
	if err != nil {
		return err
	}
	if err := env.delete(ctx, "the first incarnation", storage.Scope{Call: old.tenant(), Tenant: true}, 1); err != nil {
		return err
	}
	_, err = old.end(ctx, running.Fence, storage.Succeeded, "running")
	if err := refused("commit in a deleted incarnation", fault.Conflict, err); err != nil {
		return err
	}
	_, err = old.begin(ctx, "late")
	if err := refused("begin in a deleted incarnation", fault.Conflict, err); err != nil {
		return err
	}
	if err := old.gone(ctx); err != nil {
		return err
	}
	log, err := young.log(ctx, everyTurn)
	if err != nil || len(log) != 1 {
		return fmt.Errorf("the second incarnation has %d turns after the first was deleted, error %v; want 1", len(log), err)
	}
	return same("its messages", texts(log[0].Messages), []string{"young", "re: young"})
}
