package storagetest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

var writerRules = []Rule{
	{
		Name:  "writers",
		Doc:   "64 writers in one conversation at once, through all processes, get the numbers 1 to 64, and no turn comes between another's Begin and Commit.",
		Check: checkWriters,
	},
	{
		Name:  "tenants-apart",
		Doc:   "The same conversation id under two tenants is two conversations in every respect.",
		Check: checkTenantsApart,
	},
	{
		Name:  "long-conversation",
		Doc:   "A turn costs the same when its conversation has 10,000 messages (1,000 in short).",
		Slow:  true,
		Check: checkLongConversation,
	},
}

func checkWriters(ctx context.Context, env *Env) error {
	const writers = 64
	c := env.talk("c")
	tails := make([][]string, writers+1) // the tail of each turn; the index is the turn's number
	users := make([]string, writers+1)
	numbers := make(chan [2]int64, writers)
	saw := make([][]string, writers)
	err := together(writers, func(i int) error {
		text := fmt.Sprintf("w%d", i)
		s, err := c.via(i).startPatiently(ctx, text)
		if err != nil {
			return err
		}
		saw[i] = tailTexts(s)
		time.Sleep(rand.N(time.Millisecond))
		n, err := c.via(i+1).end(ctx, s.Fence, storage.Succeeded, text)
		if err != nil {
			return fmt.Errorf("commit of %s: %w", text, err)
		}
		numbers <- [2]int64{n, int64(i)}
		return nil
	})
	if err != nil {
		return err
	}
	for range writers {
		pair := <-numbers
		n, i := pair[0], pair[1]
		if n < 1 || n > writers || users[n] != "" {
			return fmt.Errorf("a commit answered number %d: out of range, or twice; want 1 to %d, each once", n, writers)
		}
		users[n], tails[n] = fmt.Sprintf("w%d", i), saw[i]
	}
	log, err := c.log(ctx, succeededOnly)
	if err != nil {
		return err
	}
	if len(log) != writers {
		return fmt.Errorf("the log has %d turns; want %d", len(log), writers)
	}
	before := []string{}
	for i, t := range log {
		n := i + 1
		want := []string{users[n], "re: " + users[n]}
		if t.Number != int64(n) {
			return fmt.Errorf("turn %d of the log has number %d", n, t.Number)
		}
		if err := same(fmt.Sprintf("messages of turn %d", n), texts(t.Messages), want); err != nil {
			return err
		}
		if err := same(fmt.Sprintf("the tail that turn %d began with", n), tails[n], before); err != nil {
			return err
		}
		before = want
	}
	return nil
}

// startPatiently begins a turn with a tail of 2 messages. It tries again while another turn is
// running.
func (t talk) startPatiently(ctx context.Context, text string) (*storage.Started, error) {
	for {
		res, err := t.begin(ctx, text, tail(2))
		switch {
		case err != nil:
			return nil, err
		case res.Started != nil:
			return res.Started, nil
		case res.Busy == nil:
			return nil, fmt.Errorf("begin %q answered %s; want started or busy", text, outcome(res))
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%q never got its turn: %w", text, ctx.Err())
		case <-time.After(time.Millisecond + rand.N(10*time.Millisecond)):
		}
	}
}

func checkTenantsApart(ctx context.Context, env *Env) error {
	a, b := env.talk("c"), env.talkOf("-b", "c")
	if _, err := a.turn(ctx, "secret of a", key("k", "digest")); err != nil {
		return err
	}
	missing := func(what string) error {
		if log, _ := b.log(ctx, everyTurn); len(log) > 0 {
			return fmt.Errorf("%s: the other tenant reads %d turns; want none", what, len(log))
		}
		page, err := env.Storage.List(ctx, &storage.ListRequest{Call: b.tenant(), Limit: storage.MaxPage})
		if err != nil || len(page.Conversations) != 0 {
			return fmt.Errorf("%s: the other tenant's list is %+v, error %v; want nothing", what, page, err)
		}
		return nil
	}
	if err := missing("before it has anything"); err != nil {
		return err
	}
	for _, scope := range []storage.Scope{{Call: b.call}, {Call: b.user()}, {Call: b.tenant(), Tenant: true}} {
		_, _ = env.Storage.Delete(ctx, scope) // if this deletes data of the other tenant, a later check finds that out
	}
	first, err := b.turn(ctx, "secret of b", tail(10), key("k", "digest"))
	if err != nil {
		return err
	}
	if first.Sequence != 1 || len(first.Tail) != 0 {
		return fmt.Errorf("the other tenant's first turn has sequence %d and tail %q; want 1 and none", first.Sequence, tailTexts(first))
	}
	if _, err := b.start(ctx, "b again"); err != nil {
		return err
	}
	s, err := a.turn(ctx, "a again", tail(10))
	if err != nil {
		return fmt.Errorf("while the other tenant's turn runs: %w", err)
	}
	if err := same("the tail", tailTexts(s), []string{"secret of a", "re: secret of a"}); err != nil {
		return err
	}
	if _, err := env.Storage.Delete(ctx, storage.Scope{Call: b.tenant(), Tenant: true}); err != nil {
		return fmt.Errorf("delete the other tenant: %w", err)
	}
	if err := missing("after its deletion"); err != nil {
		return err
	}
	log, err := a.log(ctx, everyTurn)
	if err != nil || len(log) != 2 {
		return fmt.Errorf("after the other tenant's deletion: %d turns, error %v; want 2", len(log), err)
	}
	return nil
}

func checkLongConversation(ctx context.Context, env *Env) error {
	turns := 5000
	if env.Short {
		turns = 500
	}
	c := env.talk("c")
	n := 0
	next := func() (time.Duration, error) {
		text := fmt.Sprintf("m%d", n)
		start := time.Now()
		s, err := c.turn(ctx, text, tail(20))
		took := time.Since(start)
		switch {
		case err != nil:
			return 0, err
		case len(s.Tail) != min(10, n):
			return 0, fmt.Errorf("the tail of turn %d has %d turns; want %d", n+1, len(s.Tail), min(10, n))
		case n > 0 && textOf(s.Tail[len(s.Tail)-1].Messages[1]) != fmt.Sprintf("re: m%d", n-1):
			return 0, fmt.Errorf("the tail of turn %d ends with %q", n+1, texts(s.Tail[len(s.Tail)-1].Messages))
		}
		n++
		return took, nil
	}
	for n < turns {
		if _, err := next(); err != nil {
			return err
		}
	}
	if err := sameCost(ctx, env, next); err != nil {
		return fmt.Errorf("after %d turns: %w", turns, err)
	}
	return c.pages(ctx, succeededOnly, storage.MaxPage, n)
}

// sameCost compares the fastest turn of a long conversation with the fastest turn of new
// conversations. It runs the turns alternately. Other load on the machine slows down only some
// turns. A cost that grows with the conversation slows down every turn of the long conversation.
func sameCost(ctx context.Context, env *Env, long func() (time.Duration, error)) error {
	const rounds, pairs = 10, 50
	var slow, allowed time.Duration
	fast := time.Duration(math.MaxInt64)
	slow = fast
	for round := range rounds {
		young := env.talk(fmt.Sprint("young ", round))
		for range pairs {
			start := time.Now()
			if _, err := young.turn(ctx, "young", tail(20)); err != nil {
				return err
			}
			fast = min(fast, time.Since(start))
			took, err := long()
			if err != nil {
				return err
			}
			slow = min(slow, took)
		}
		// A storage that reads the whole conversation in each turn takes much longer.
		if allowed = 5*fast + 2*time.Millisecond; slow <= allowed {
			return nil
		}
	}
	return fmt.Errorf("the fastest of %d turns took %v, and of as many in young conversations %v; want at most %v", rounds*pairs, slow, fast, allowed)
}
