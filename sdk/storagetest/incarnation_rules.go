package storagetest

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var incarnationRules = []Rule{{
	Name:  "tenant-incarnations",
	Doc:   "A tenant id with a new incarnation starts empty, and a deleted incarnation takes no late writes.",
	Check: checkTenantIncarnations,
}}

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
