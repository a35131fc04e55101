package memorytest

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/sdk/memory"
)

var recallRules = []Rule{
	{
		Name:  "needs",
		Doc:   "Needs is always the same and within its bounds, and what wants to remember can.",
		Check: checkNeeds,
	},
	{
		Name:  "recall",
		Doc:   "What is recalled is some of what was said in the conversation, unchanged, in order, each message once.",
		Check: checkRecall,
	},
	{
		Name:  "tail-alone",
		Doc:   "A memory that need not be asked answers the tail when it is asked.",
		Check: checkTailAlone,
	},
	{
		Name:  "apart",
		Doc:   "Nothing crosses conversations or tenants, not even when all ask at once.",
		Check: checkApart,
	},
	{
		Name:  "remember-repeat",
		Doc:   "A turn that is remembered again changes nothing.",
		Check: checkRememberRepeat,
	},
}

func checkNeeds(_ context.Context, env *Env) error {
	first := env.Memory.Needs()
	if first.Tail < 0 || first.Tail > memory.MaxTail {
		return fmt.Errorf("it needs a tail of %d; want 0 to %d", first.Tail, memory.MaxTail)
	}
	if _, ok := env.Memory.(memory.Rememberer); first.Remember && !ok {
		return fmt.Errorf("it needs to remember and has no Remember")
	}
	return together(8, func(int) error {
		if again := env.Memory.Needs(); again != first {
			return fmt.Errorf("it needs %+v, then %+v", first, again)
		}
		return nil
	})
}

// lengths are the numbers of turns of the tested conversations. Some are smaller and some larger
// than the number of turns that a memory usually shows.
var lengths = []int{0, 1, 2, 3, 5, 10, 11, 30}

func checkRecall(ctx context.Context, env *Env) error {
	for _, n := range lengths {
		t := env.talk("a", fmt.Sprintf("c%d", n), n)
		if n > 0 {
			if err := t.remember(ctx, 1, n); err != nil {
				return err
			}
		}
		got, err := t.recall(ctx)
		if err != nil {
			return err
		}
		if err := t.among(got); err != nil {
			return fmt.Errorf("with %d turns: %w", n, err)
		}
	}
	return nil
}

func checkTailAlone(ctx context.Context, env *Env) error {
	needs := env.Memory.Needs()
	if needs.Recall {
		return ErrSkip
	}
	for _, n := range lengths {
		t := env.talk("a", fmt.Sprintf("c%d", n), n)
		got, err := t.recall(ctx)
		if err != nil {
			return err
		}
		if want := min(needs.Tail, len(memory.Messages(t.turns))); len(got) != want {
			return fmt.Errorf("%d of a tail of %d messages were recalled; want all", len(got), want)
		}
	}
	return nil
}

func checkApart(ctx context.Context, env *Env) error {
	talks := []*talk{
		env.talk("a", "c", 12), env.talk("a", "d", 12), env.talk("b", "c", 12), env.talk("b", "d", 12),
		env.talk("a", "silent", 0), env.talk("silent", "c", 0),
	}
	for from := 1; from <= 12; from += 4 {
		err := together(4, func(i int) error { return talks[i].remember(ctx, from, from+3) })
		if err != nil {
			return err
		}
	}
	return together(8*len(talks), func(i int) error {
		t := talks[i%len(talks)]
		got, err := t.recall(ctx)
		if err != nil {
			return err
		}
		for _, m := range got {
			mine := false
			for _, l := range memory.Messages(t.turns) {
				mine = mine || l.Text() == m.Text()
			}
			for _, other := range talks {
				for _, l := range memory.Messages(other.turns) {
					if !mine && l.Text() == m.Text() {
						return fmt.Errorf("%s/%s recalled %q", t.call.Tenant, t.call.Conversation, m.Text())
					}
				}
			}
		}
		return nil
	})
}

func checkRememberRepeat(ctx context.Context, env *Env) error {
	if !env.Memory.Needs().Remember {
		return ErrSkip
	}
	once, often := env.talk("once", "c", 12), env.talk("once", "c", 12)
	often.call.Tenant += "-not"
	for n := 1; n <= 12; n += 3 {
		if err := once.remember(ctx, n, n+2); err != nil {
			return err
		}
		for _, from := range []int{max(1, n-3), n, n} {
			if err := often.remember(ctx, from, n+2); err != nil {
				return err
			}
		}
	}
	want, err := once.recall(ctx)
	if err != nil {
		return err
	}
	got, err := often.recall(ctx)
	if err != nil {
		return err
	}
	if encode(got) != encode(want) {
		return fmt.Errorf("recalled %.300s after repeats; want %.300s, as without", encode(got), encode(want))
	}
	return nil
}
