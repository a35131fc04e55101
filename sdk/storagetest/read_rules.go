package storagetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var readRules = []Rule{
	{
		Name:  "read-paging",
		Doc:   "Pages of any size give each turn once, in order, and say rightly whether more follow.",
		Check: checkReadPaging,
	},
	{
		Name:  "read-growing",
		Doc:   "Paging skips and repeats nothing while turns are added.",
		Check: checkReadGrowing,
	},
	{
		Name:  "read-missing",
		Doc:   "Read of a conversation that does not exist is not found.",
		Check: checkReadMissing,
	},
}

// pages reads the selected turns in pages of limit turns. With succeededOnly, it checks that the
// numbers are 1 to turns. With everyTurn, it checks that the sequences are 1 to turns. If turns is
// negative, it checks only that there is no gap.
func (t talk) pages(ctx context.Context, all selection, limit, turns int) error {
	var after, position int64
	for {
		page, err := t.storage().Read(ctx, &storage.ReadRequest{Call: t.call, After: after, Limit: limit, All: bool(all)})
		if err != nil {
			return fmt.Errorf("read after %d: %w", after, err)
		}
		if len(page.Turns) > limit {
			return fmt.Errorf("read after %d: %d turns; want at most %d", after, len(page.Turns), limit)
		}
		for _, turn := range page.Turns {
			got := turn.Number
			if all {
				got = turn.Sequence
			}
			if position++; got != position || turn.Sequence <= after {
				return fmt.Errorf("read in pages of %d (all: %t): turn %d came where %d belongs", limit, all, got, position)
			}
			after = turn.Sequence
		}
		if page.More && len(page.Turns) == 0 {
			return fmt.Errorf("read after %d: an empty page says that more follow", after)
		}
		if turns >= 0 && page.More != (position < int64(turns)) {
			return fmt.Errorf("read in pages of %d (all: %t): after %d of %d turns, more is %t", limit, all, position, turns, page.More)
		}
		if !page.More {
			return nil
		}
	}
}

func checkReadPaging(ctx context.Context, env *Env) error {
	const good, bad = 8, 4
	c := env.talk("c")
	for i := range good {
		if _, err := c.turn(ctx, fmt.Sprintf("m%d", i)); err != nil {
			return err
		}
		if i%2 == 0 { // after every second good turn, add a turn that fails
			s, err := c.start(ctx, "bad")
			if err != nil {
				return err
			}
			if _, err := c.end(ctx, s.Fence, storage.Failed, ""); err != nil {
				return fmt.Errorf("commit: %w", err)
			}
		}
	}
	for _, limit := range []int{1, 2, 3, 4, 5, 7, 8, 12, 13, storage.MaxPage} {
		if err := c.pages(ctx, everyTurn, limit, good+bad); err != nil {
			return err
		}
		if err := c.pages(ctx, succeededOnly, limit, good); err != nil {
			return err
		}
	}
	page, err := env.Storage.Read(ctx, &storage.ReadRequest{Call: c.call, After: good + bad, Limit: 5, All: true})
	if err != nil || len(page.Turns) != 0 || page.More {
		return fmt.Errorf("read after the last turn: %+v, error %v; want an empty page", page, err)
	}
	return nil
}

func checkReadGrowing(ctx context.Context, env *Env) error {
	const turns = 60
	c := env.talk("c")
	if _, err := c.turn(ctx, "first"); err != nil {
		return err
	}
	err := meanwhile(func() error {
		for i := range turns - 1 {
			if _, err := c.via(1).turn(ctx, fmt.Sprintf("m%d", i)); err != nil {
				return err
			}
		}
		return nil
	}, func() error {
		return errors.Join(c.pages(ctx, everyTurn, 7, -1), c.pages(ctx, succeededOnly, 7, -1))
	})
	if err != nil {
		return err
	}
	return errors.Join(c.pages(ctx, everyTurn, 7, turns), c.pages(ctx, succeededOnly, 7, turns))
}

func checkReadMissing(ctx context.Context, env *Env) error {
	if _, err := env.talk("c").turn(ctx, "one"); err != nil {
		return err
	}
	for what, t := range map[string]talk{
		"read of an unknown conversation": env.talk("d"),
		"read in an unknown tenant":       env.talkOf("-b", "c"),
	} {
		for _, all := range []bool{false, true} {
			_, err := t.log(ctx, selection(all))
			if err := refused(what, fault.NotFound, err); err != nil {
				return err
			}
		}
	}
	return nil
}
