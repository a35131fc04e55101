package storagetest

import (
	"context"
	"fmt"

	"github.com/botyard/botyard/sdk/storage"
)

var keyRules = []Rule{
	{
		Name:  "key-replay",
		Doc:   "A key whose turn succeeded answers that turn again, whole, also while another turn runs, and starts nothing.",
		Check: checkKeyReplay,
	},
	{
		Name:  "key-running",
		Doc:   "A key whose turn runs answers busy and says that it is the same key.",
		Check: checkKeyRunning,
	},
	{
		Name:  "key-retry",
		Doc:   "A key whose turn failed, was interrupted or lost its holder starts a new attempt.",
		Check: checkKeyRetry,
	},
	{
		Name:  "key-reused",
		Doc:   "A key with another digest is refused, whatever became of its turn.",
		Check: checkKeyReused,
	},
	{
		Name:  "key-scope",
		Doc:   "A key belongs to its conversation: in another it is free.",
		Check: checkKeyScope,
	},
	{
		Name:  "key-empty-digest",
		Doc:   "A key with an empty digest answers its turn again, and a nil digest is an empty one.",
		Check: checkKeyEmptyDigest,
	},
}

func checkKeyReplay(ctx context.Context, env *Env) error {
	c := env.talk("c")
	if _, err := c.turn(ctx, "zero"); err != nil {
		return err
	}
	if _, err := c.turn(ctx, "one", key("k", "d")); err != nil {
		return err
	}
	replay := func(when string) error {
		res, err := c.begin(ctx, "one", tail(10), key("k", "d"))
		if err := want("begin with the key "+when, "replay", res, err); err != nil {
			return err
		}
		log, err := c.log(ctx, everyTurn)
		if err != nil {
			return err
		}
		return same("the replayed turn "+when, *res.Replay, log[1])
	}
	if err := replay("after its turn"); err != nil {
		return err
	}
	two, err := c.start(ctx, "two")
	if err != nil {
		return err
	}
	if err := replay("while another turn runs"); err != nil {
		return err
	}
	if n, err := c.end(ctx, two.Fence, storage.Succeeded, "two"); err != nil || n != 3 {
		return fmt.Errorf("commit of that other turn: number %d, error %v; want 3", n, err)
	}
	if err := replay("after another turn"); err != nil {
		return err
	}
	if log, err := c.log(ctx, everyTurn); err != nil || len(log) != 3 {
		return fmt.Errorf("after three replays: %d turns, error %v; want 3", len(log), err)
	}
	return nil
}

func checkKeyRunning(ctx context.Context, env *Env) error {
	c := env.talk("c")
	if _, err := c.start(ctx, "one", key("k", "d")); err != nil {
		return err
	}
	res, err := c.begin(ctx, "one", key("k", "d"))
	if err := want("begin with the running turn's key", "busy (same key: true)", res, err); err != nil {
		return err
	}
	res, err = c.begin(ctx, "two", key("l", "d"))
	if err := want("begin with another key", "busy (same key: false)", res, err); err != nil {
		return err
	}
	res, err = c.begin(ctx, "two")
	return want("begin without a key", "busy (same key: false)", res, err)
}

func checkKeyRetry(ctx context.Context, env *Env) error {
	c := env.talk("c")
	for _, state := range []storage.State{storage.Failed, storage.Interrupted} {
		s, err := c.start(ctx, "one", key("k", "d"))
		if err != nil {
			return err
		}
		if _, err := c.end(ctx, s.Fence, state, "one"); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	if _, err := c.start(ctx, "one", key("k", "d"), lease(env.Lease)); err != nil {
		return fmt.Errorf("after an interrupted attempt: %w", err)
	}
	if err := env.wait(ctx); err != nil {
		return err
	}
	last, err := c.turn(ctx, "one", key("k", "d"))
	if err != nil {
		return fmt.Errorf("after an attempt whose holder died: %w", err)
	}
	res, err := c.begin(ctx, "one", key("k", "d"))
	if err := want("begin after an attempt that succeeded", "replay", res, err); err != nil {
		return err
	}
	if res.Replay.Sequence != last.Sequence {
		return fmt.Errorf("the replay is turn %d; want %d, the attempt that succeeded", res.Replay.Sequence, last.Sequence)
	}
	return nil
}

func checkKeyReused(ctx context.Context, env *Env) error {
	for _, state := range []storage.State{storage.Failed, storage.Interrupted, storage.Succeeded} {
		c := env.talk(state.String())
		s, err := c.start(ctx, "one", key("k", "d"))
		if err != nil {
			return err
		}
		res, err := c.begin(ctx, "other", key("k", "e"))
		if err := want("begin with another digest while the key's turn runs", "key reused", res, err); err != nil {
			return err
		}
		if _, err := c.end(ctx, s.Fence, state, "one"); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		res, err = c.begin(ctx, "other", key("k", "e"))
		if err := want(fmt.Sprintf("begin with another digest after the key's turn %s", state), "key reused", res, err); err != nil {
			return err
		}
		if log, err := c.log(ctx, everyTurn); err != nil || len(log) != 1 {
			return fmt.Errorf("after reuse of the key: %d turns, error %v; want 1", len(log), err)
		}
	}
	return nil
}

func checkKeyScope(ctx context.Context, env *Env) error {
	if _, err := env.talk("c").turn(ctx, "one", key("k", "d")); err != nil {
		return err
	}
	if _, err := env.talk("d").start(ctx, "one", key("k", "d")); err != nil {
		return fmt.Errorf("in another conversation: %w", err)
	}
	if _, err := env.talk("e").start(ctx, "two", key("k", "e")); err != nil {
		return fmt.Errorf("in a third conversation, with another digest: %w", err)
	}
	return nil
}

func checkKeyEmptyDigest(ctx context.Context, env *Env) error {
	digest := func(d []byte) func(*storage.BeginRequest) {
		return func(r *storage.BeginRequest) { r.Key, r.Digest = "k", d }
	}
	for name, d := range map[string][]byte{"nil": nil, "empty": {}} {
		c := env.talk(name)
		if _, err := c.turn(ctx, "one", digest(d)); err != nil {
			return err
		}
		for again, d := range map[string][]byte{"nil": nil, "empty": {}} {
			res, err := c.begin(ctx, "one", digest(d))
			when := fmt.Sprintf("begin with the key and the %s digest, after a turn with the %s digest", again, name)
			if err := want(when, "replay", res, err); err != nil {
				return err
			}
		}
		res, err := c.begin(ctx, "other", digest([]byte("d")))
		if err := want(fmt.Sprintf("begin with the key and a digest, after a turn with the %s digest", name), "key reused", res, err); err != nil {
			return err
		}
	}
	return nil
}
