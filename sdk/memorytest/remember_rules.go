package memorytest

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/sdk/memory"
)

var rememberRules = []Rule{{
	Name:  "remember-sequence",
	Doc:   "Remember returns the sequence of one of its events or the one before, gets on, and no further than it was given.",
	Check: checkRememberSequence,
}}

func checkRememberSequence(ctx context.Context, env *Env) error {
	r, ok := env.Memory.(memory.Rememberer)
	if !ok || !env.Memory.Needs().Remember {
		return ErrSkip
	}
	t := env.talk("a", "c", 12)
	known, after := map[int64]bool{0: true}, int64(0)
	for _, turn := range t.turns {
		known[turn.Sequence] = true
	}
	for at := 0; at < len(t.turns); {
		events := t.events(at+1, min(at+5, len(t.turns)))
		last := events[len(events)-1].Sequence()
		kept, err := r.Remember(ctx, &memory.RememberRequest{Call: t.call, Events: events, After: after})
		if err != nil {
			return fmt.Errorf("remember: %w", err)
		}
		if !known[kept] || kept <= after || kept > last {
			return fmt.Errorf("remember of events with sequences %d to %d after %d returned %d; want one of those sequences", events[0].Sequence(), last, after, kept)
		}
		for after = kept; at < len(t.turns) && t.turns[at].Sequence <= kept; {
			at++
		}
	}
	// What was kept before is not lost, and not said to be kept further than it was given.
	kept, err := r.Remember(ctx, &memory.RememberRequest{Call: t.call, Events: t.events(1, 2)})
	if err != nil {
		return fmt.Errorf("remember again: %w", err)
	}
	if !known[kept] || kept > t.turns[1].Sequence {
		return fmt.Errorf("remember of the first 2 events again returned %d; want at most %d", kept, t.turns[1].Sequence)
	}
	return nil
}
