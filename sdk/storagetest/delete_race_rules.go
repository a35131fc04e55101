package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var deleteRaceRules = []Rule{
	{
		Name:  "delete-racing",
		Doc:   "Of a conversation that is deleted under its writers every turn that began is there at the end or was counted as deleted, once.",
		Check: checkDeleteRacing,
	},
	{
		Name:  "purge-racing",
		Doc:   "When a tenant's incarnation is deleted under its writers nothing of it is left, and every turn that began was counted.",
		Check: checkPurgeRacing,
	},
}

// tally counts the turns that began, the turns that began a conversation, the deleted turns, and
// the deleted conversations.
type tally struct{ begun, first, deleted, conversations atomic.Int64 }

func (n *tally) add(d storage.Deleted) {
	n.deleted.Add(d.Turns)
	n.conversations.Add(d.Conversations)
}

// raced runs one turn while other goroutines delete its conversation or tenant. A commit that comes
// too late is not an error. raced returns false if Begin reports a conflict, because the
// incarnation has ended.
func (t talk) raced(ctx context.Context, n *tally, text string) (bool, error) {
	res, err := t.begin(ctx, text)
	switch {
	case fault.Is(err, fault.Conflict):
		return false, nil
	case err != nil:
		return false, err
	case res.Started == nil:
		return true, nil // another turn is running
	}
	n.begun.Add(1)
	if res.Started.Sequence == 1 {
		n.first.Add(1)
	}
	number, err := t.end(ctx, res.Started.Fence, storage.Succeeded, text)
	if err != nil && !fault.Is(err, fault.Conflict) || err == nil && (number < 1 || number > res.Started.Sequence) {
		return false, fmt.Errorf("commit of turn %d: number %d, error %v; want a number, or %s", res.Started.Sequence, number, err, fault.Conflict)
	}
	return true, nil
}

func checkDeleteRacing(ctx context.Context, env *Env) error {
	const writers, turns, deletions = 8, 25, 30
	c := env.talk("c")
	n := &tally{}
	deleted := make(chan error, 1)
	go func() {
		for i := range deletions {
			time.Sleep(2 * time.Millisecond)
			scope := []storage.Scope{{Call: c.call}, {Call: c.user()}, {Call: c.call, Limit: 2}, {Call: c.tenant(), Tenant: true}}[i%4]
			d, err := env.any(i).Delete(ctx, scope)
			if err != nil {
				deleted <- fmt.Errorf("delete among writers: %w", err)
				return
			}
			n.add(d)
		}
		deleted <- nil
	}()
	err := together(writers, func(w int) error {
		for i := range turns {
			began, err := c.via(w+i).raced(ctx, n, fmt.Sprintf("w%d-%d", w, i))
			if err == nil && !began {
				err = errors.New("begin among deletions is in conflict")
			}
			if err != nil {
				return err
			}
			time.Sleep(time.Millisecond)
		}
		return nil
	})
	if left := <-deleted; err == nil {
		err = left
	}
	if err != nil {
		return err
	}
	log, err := c.log(ctx, everyTurn)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	for i, t := range log {
		if t.Sequence != int64(i+1) {
			return fmt.Errorf("turn %d of what is left has sequence %d", i+1, t.Sequence)
		}
	}
	there := int64(0)
	if err == nil {
		there = 1
	}
	for more := true; more; { // remove what the deletions with limit 2 did not reach
		d, err := env.Storage.Delete(ctx, storage.Scope{Call: c.call, Before: time.Unix(1, 0)})
		if err != nil {
			return fmt.Errorf("delete what was left over: %w", err)
		}
		n.add(d)
		more = d.More
	}
	return n.balance(int64(len(log)), there)
}

// balance checks that each turn that began was deleted once or still exists, and the same for
// conversations. turns and conversations are the numbers that still exist.
func (n *tally) balance(turns, conversations int64) error {
	if n.deleted.Load()+turns != n.begun.Load() || n.conversations.Load()+conversations != n.first.Load() {
		return fmt.Errorf("%d turns of %d conversations began, %d of %d were deleted and %d of %d are there",
			n.begun.Load(), n.first.Load(), n.deleted.Load(), n.conversations.Load(), turns, conversations)
	}
	return nil
}

func checkPurgeRacing(ctx context.Context, env *Env) error {
	const writers, rounds = 8, 5
	for round := range rounds {
		n := &tally{}
		var talks []talk
		for w := range writers {
			t := env.talk(fmt.Sprint(w / 2))
			t.call.Incarnation = env.id(fmt.Sprint("incarnation ", round))
			talks = append(talks, t)
		}
		env.talks = append(env.talks, talks...)
		ended := make(chan error, 1)
		var over atomic.Bool
		go func() {
			time.Sleep(5 * time.Millisecond)
			d, err := env.any(round).Delete(ctx, storage.Scope{Call: talks[0].tenant(), Tenant: true})
			n.add(d)
			over.Store(true)
			ended <- err
		}()
		err := together(writers, func(w int) error {
			for i := 0; ; i++ {
				late := over.Load()
				began, err := talks[w].via(w+i).raced(ctx, n, fmt.Sprint(i))
				switch {
				case err != nil || !began:
					return err
				case late:
					return errors.New("begin in an incarnation whose deletion was answered is not in conflict")
				}
			}
		})
		if left := <-ended; err == nil && left != nil {
			err = fmt.Errorf("delete the incarnation: %w", left)
		}
		if err != nil {
			return err
		}
		for _, t := range talks {
			if err := t.gone(ctx); err != nil {
				return err
			}
		}
		if err := n.balance(0, 0); err != nil {
			return err
		}
	}
	return nil
}
