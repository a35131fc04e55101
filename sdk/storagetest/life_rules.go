package storagetest

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var lifeRules = []Rule{{
	Name:  "tenant-lives",
	Doc:   "A tenant id with a new incarnation starts empty, and a deleted incarnation takes no late writes.",
	Check: checkTenantLives,
}}

var durableRules = []Rule{{
	Name:  "restart",
	Doc:   "What was answered before the storage was closed is there when it is opened again (durable storages).",
	Check: checkRestart,
}}

func checkTenantLives(ctx context.Context, env *Env) error {
	old, young := env.talkOf("", "c"), env.talkOf("", "c")
	old.call.Incarnation, young.call.Incarnation = env.id("life-1"), env.id("life-2")
	env.talks = append(env.talks, old, young) // to be deleted under these lives too
	if _, err := old.turn(ctx, "old", key("k", "d")); err != nil {
		return err
	}
	first, err := young.turn(ctx, "young", tail(10), key("k", "other"))
	if err != nil {
		return fmt.Errorf("in the second life: %w", err)
	}
	if first.Sequence != 1 || len(first.Tail) != 0 {
		return fmt.Errorf("the second life began with sequence %d and tail %q; want 1 and none", first.Sequence, texts(first.Tail))
	}
	running, err := old.start(ctx, "running")
	if err != nil {
		return err
	}
	if err := env.delete(ctx, "the first life", storage.Scope{Call: old.tenant(), Tenant: true}, 1); err != nil {
		return err
	}
	_, err = old.end(ctx, running.Fence, storage.Succeeded, "running")
	if err := refused("commit in a deleted life", fault.Conflict, err); err != nil {
		return err
	}
	_, err = old.begin(ctx, "late")
	if err := refused("begin in a deleted life", fault.Conflict, err); err != nil {
		return err
	}
	if err := old.gone(ctx, true); err != nil {
		return err
	}
	log, err := young.log(ctx, true)
	if err != nil || len(log) != 1 {
		return fmt.Errorf("the second life has %d turns after the first was deleted, error %v; want 1", len(log), err)
	}
	return same("its messages", texts(log[0].Messages), []string{"young", "re: young"})
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
	before, err := c.log(ctx, true)
	if err != nil {
		return err
	}
	if env.Storage, err = env.reopen(ctx); err != nil {
		return err
	}
	after, err := c.log(ctx, true)
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
	return deleted.gone(ctx, true)
}
