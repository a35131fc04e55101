package storagetest

import (
	"context"
	"fmt"
	"slices"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func checkRetractTold(ctx context.Context, env *Env) error {
	c := env.talk("c")
	f := c.follower()
	if _, err := f.cursors(); err != nil || !env.retracts() {
		return ErrSkip
	}
	told := func(what string, cursor int64, want []storage.Retraction, set ...func(*storage.BeginRequest)) error {
		s, err := c.turn(ctx, what, append(set, func(r *storage.BeginRequest) { r.CursorKey = f.store })...)
		if err != nil {
			return err
		}
		if s.Cursor != cursor {
			return fmt.Errorf("begin %s: the cursor is at %d; want %d", what, s.Cursor, cursor)
		}
		return same("the retractions of begin "+what, s.Retractions, want)
	}
	for i := range 3 {
		if _, err := c.turn(ctx, fmt.Sprint("m", i+1)); err != nil {
			return err
		}
	}
	one, two := storage.Retraction{Sequence: 4, From: 2, To: 3}, storage.Retraction{Sequence: 6, From: 4, To: 5}
	if err := told("which retracts", 0, []storage.Retraction{one}, retractFrom(2)); err != nil {
		return err
	}
	if err := told("after that", 0, []storage.Retraction{one}); err != nil {
		return err
	}
	if err := told("which retracts again", 0, []storage.Retraction{one, two}, retractFrom(4)); err != nil {
		return err
	}
	got, err := f.claims(ctx, "the first claim", []string{"c of user at 0"})
	if err != nil {
		return err
	}
	for _, at := range []int64{4, 6} {
		if err := f.advance(ctx, got["c of user at 0"], at); err != nil {
			return err
		}
		if err := told(fmt.Sprint("after ", at), at, []storage.Retraction{one, two}[at/2-1:]); err != nil {
			return err
		}
	}
	return nil
}

func checkRetractImport(ctx context.Context, env *Env) error {
	if !env.retracts() {
		return ErrSkip
	}
	c := env.talk("c")
	turns := ended(5)
	turns[2].Retracted, turns[3].RetractFrom, turns[4].RetractFrom = true, 2, 3
	turns[3].Retracted = true
	if err := c.load(ctx, turns, 5); err != nil {
		return err
	}
	log, err := c.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	if err := sameTurns("as imported", log, turns); err != nil {
		return err
	}
	if err := c.numbers(ctx, 1); err != nil {
		return err
	}
	if err := c.load(ctx, slices.Clone(turns), 0); err != nil {
		return fmt.Errorf("repeated: %w", err)
	}
	s, err := c.turn(ctx, "next", tail(10))
	if err != nil {
		return err
	}
	if err := same("the tail after the import", tailTexts(s), []string{"i1", "re: i1"}); err != nil {
		return err
	}
	_, err = c.begin(ctx, "again", retractFrom(2))
	if err := refused("retraction of what was imported as retracted", fault.Conflict, err); err != nil {
		return err
	}
	return c.numbers(ctx, 1, 4)
}
