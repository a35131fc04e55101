package storagetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

func checkDeleteStepsReuse(ctx context.Context, env *Env) error {
	const each = 7
	c := env.talk("c")
	for i := range each {
		if _, err := c.turn(ctx, fmt.Sprintf("old %d", i), key(fmt.Sprint(i), "d")); err != nil {
			return err
		}
	}
	last, err := c.changed(ctx)
	if err != nil {
		return err
	}
	tick()
	first, err := env.Storage.Delete(ctx, storage.Scope{Call: c.call, Limit: 2})
	if err != nil || first.Turns > 2+each {
		return fmt.Errorf("the first step: %+v, error %v", first, err)
	}
	s, err := c.turn(ctx, "new 0", tail(10), key("1", "other"))
	if err != nil {
		return err
	}
	if s.Sequence != 1 || len(s.Tail) > 0 {
		return fmt.Errorf("the new incarnation began with sequence %d and tail %q; want 1 and none", s.Sequence, tailTexts(s))
	}
	running, err := c.start(ctx, "new 1", tail(10))
	if err != nil {
		return err
	}
	if err := same("the tail in the new incarnation", tailTexts(running), []string{"new 0", "re: new 0"}); err != nil {
		return err
	}
	rest := storage.Scope{Call: c.call, Limit: 2, Before: last.Add(time.Microsecond)}
	err = env.steps(ctx, rest, 1-first.Conversations, each-first.Turns, each, func(int) error {
		log, err := c.log(ctx, everyTurn)
		if err != nil || len(log) != 2 || textOf(log[0].Messages[0]) != "new 0" || log[1].State != storage.Running {
			return fmt.Errorf("the new incarnation has %d turns, error %v; want its own 2", len(log), err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if n, err := c.end(ctx, running.Fence, storage.Succeeded, "new 1"); err != nil || n != 2 {
		return fmt.Errorf("commit in the new incarnation: number %d, error %v; want 2", n, err)
	}
	res, err := c.begin(ctx, "old", key("3", "other"))
	if err := want("begin with a key of the old incarnation", "started", res, err); err != nil {
		return err
	}
	if _, err := c.end(ctx, res.Started.Fence, storage.Failed, ""); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	// The id gets two new incarnations while one deletion is unfinished. Then a deletion of the
	// whole tenant finishes everything.
	for range 2 {
		if _, err := env.Storage.Delete(ctx, storage.Scope{Call: c.call, Limit: 1}); err != nil {
			return fmt.Errorf("delete: %w", err)
		}
		if err := c.gone(ctx); err != nil {
			return err
		}
		if _, err := c.turn(ctx, "newer"); err != nil {
			return err
		}
	}
	for range 20 {
		d, err := env.Storage.Delete(ctx, storage.Scope{Call: c.tenant(), Tenant: true, Limit: 1, Before: last})
		if err != nil {
			return fmt.Errorf("delete: %w", err)
		}
		if !d.More {
			return c.exists(ctx)
		}
	}
	return errors.New("after 20 steps more is to be deleted; there were fewer turns")
}
