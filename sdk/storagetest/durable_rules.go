package storagetest

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/sdk/storage"
)

var durableRules = []Rule{
	{
		Name:  "restart",
		Doc:   "What was answered before the storage was closed is there when it is opened again (durable storages).",
		Check: checkRestart,
	},
	{
		Name:  "restart-tenants",
		Doc:   "Tenants and their versions are there when the storage is opened again (durable storages).",
		Check: checkRestartTenants,
	},
	{
		Name:  "restart-deletion",
		Doc:   "A deletion in steps goes on when the storage is opened again between them (durable storages).",
		Check: checkRestartDeletion,
	},
}

func checkRestart(ctx context.Context, env *Env) error {
	if env.reopen == nil {
		return ErrSkip
	}
	c, deleted := env.talk("c"), env.talk("d")
	if _, err := c.turn(ctx, "one", key("k", "d")); err != nil {
		return err
	}
	failed, err := c.start(ctx, "two")
	if err != nil {
		return err
	}
	if _, err := c.end(ctx, failed.Fence, storage.Failed, ""); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if _, err := deleted.turn(ctx, "one"); err != nil {
		return err
	}
	if _, err := env.Storage.Delete(ctx, storage.Scope{Call: deleted.call}); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	running, err := c.start(ctx, "three")
	if err != nil {
		return err
	}
	before, err := c.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	if env.Storage, err = env.reopen(ctx); err != nil {
		return err
	}
	after, err := c.log(ctx, everyTurn)
	if err != nil {
		return fmt.Errorf("after the restart: %w", err)
	}
	if err := same("the turns after the restart", after, before); err != nil {
		return err
	}
	res, err := c.begin(ctx, "four")
	if err := want("begin while a turn of before runs", "busy (same key: false)", res, err); err != nil {
		return err
	}
	n, err := c.end(ctx, running.Fence, storage.Succeeded, "three")
	if err != nil || n != 2 {
		return fmt.Errorf("commit of a turn begun before: number %d, error %v; want 2", n, err)
	}
	res, err = c.begin(ctx, "one", key("k", "d"))
	if err := want("begin with a key of before", "replay", res, err); err != nil {
		return err
	}
	return deleted.gone(ctx)
}

func checkRestartTenants(ctx context.Context, env *Env) error {
	if env.reopen == nil {
		return ErrSkip
	}
	t, forgotten := env.registered("t"), env.registered("u")
	for i := range int64(3) {
		for _, t := range []registered{t, forgotten} {
			if _, err := t.put(ctx, i); err != nil {
				return err
			}
		}
	}
	last, err := t.put(ctx, 3, attempt(env.id("last")))
	if err != nil {
		return err
	}
	if _, err := forgotten.put(ctx, 3, func(r *storage.PutTenantRequest) { r.EraseHistory = true }); err != nil {
		return err
	}
	before, err := t.history(ctx, 10)
	if err != nil {
		return err
	}
	head, err := env.head(ctx, 0)
	if err != nil {
		return err
	}
	if env.Storage, err = env.reopen(ctx); err != nil {
		return err
	}
	after, err := t.history(ctx, 10)
	if err != nil {
		return err
	}
	if len(after) != len(before) {
		return fmt.Errorf("after the restart the tenant has %d versions; want %d", len(after), len(before))
	}
	for i := range after {
		if err := sameRegistration("a version after the restart", after[i], before[i]); err != nil {
			return err
		}
	}
	if left, err := forgotten.history(ctx, 10); err != nil || len(left) != 1 {
		return fmt.Errorf("after the restart a tenant that was forgotten has %d versions, error %v; want 1", len(left), err)
	}
	again, err := t.put(ctx, 3, attempt(env.id("last")))
	if err != nil {
		return fmt.Errorf("the repeat after the restart: %w", err)
	}
	if err := sameRegistration("what the repeat answered", *again, *last); err != nil {
		return err
	}
	next, err := t.put(ctx, 4)
	if err != nil || next.Version != 5 || next.Position <= head {
		return fmt.Errorf("the next put: %+v, error %v; want version 5, behind position %d", next, err, head)
	}
	return nil
}

func checkRestartDeletion(ctx context.Context, env *Env) error {
	if env.reopen == nil {
		return ErrSkip
	}
	const each = 6
	c, other := env.talk("c"), env.talk("d")
	for i := range each {
		for _, t := range []talk{c, other} {
			if _, err := t.turn(ctx, fmt.Sprint(i)); err != nil {
				return err
			}
		}
	}
	scope := storage.Scope{Call: c.tenant(), Tenant: true, Limit: 2}
	first, err := env.Storage.Delete(ctx, scope)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if env.Storage, err = env.reopen(ctx); err != nil {
		return err
	}
	return env.steps(ctx, scope, 2-first.Conversations, 2*each-first.Turns, each, func(int) error {
		if err := c.gone(ctx); err != nil {
			return err
		}
		return other.gone(ctx)
	})
}
