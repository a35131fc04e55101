package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var importRules = []Rule{
	{
		Name:  "import",
		Doc:   "A log that is read and imported elsewhere is the same in all fields, and as old.",
		Check: checkImport,
	},
	{
		Name:  "import-repeat",
		Doc:   "An import goes on page by page, and repeats, also at once and overlapping, add nothing.",
		Check: checkImportRepeat,
	},
	{
		Name:  "import-refused",
		Doc:   "An import that contradicts itself or what is there, or meets a running turn, is refused as a whole.",
		Check: checkImportRefused,
	},
	{
		Name:  "import-goes-on",
		Doc:   "After an import turns go on with its numbers and tail, and its keys replay nothing.",
		Check: checkImportGoesOn,
	},
	{
		Name:  "import-apart",
		Doc:   "An import touches no other conversation or tenant, and a deleted incarnation takes none.",
		Check: checkImportApart,
	},
}

func checkImport(ctx context.Context, env *Env) error {
	if err := env.talk("none").load(ctx, nil, 0); err != nil {
		return err
	}
	if err := env.talk("none").gone(ctx); err != nil {
		return fmt.Errorf("after an import of no turns: %w", err)
	}
	from := env.talk("from").as(env.id("first"))
	for i := range 4 {
		t := from
		if i > 0 {
			t = from.as(env.id("guest"))
		}
		s, err := t.start(ctx, fmt.Sprintf("m%d \u00fc", i), key(fmt.Sprint("k", i), "d"), func(r *storage.BeginRequest) {
			r.Metadata = json.RawMessage(`{"b": [1, null], "a": "ü"}`)
			r.Messages = []storage.Message{storage.EncodeMessage(chat.Message{Role: chat.User, Parts: []chat.Part{
				{Text: fmt.Sprintf("m%d", i)}, {Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte{0, 255}}},
			}}), said("and more")}
		})
		if err != nil {
			return err
		}
		commit := &storage.CommitRequest{Call: t.call, Fence: s.Fence, State: []storage.State{storage.Succeeded, storage.Failed, storage.Interrupted}[i%3],
			Messages: []storage.Message{
				storage.EncodeMessage(chat.Message{Role: chat.Assistant, Parts: []chat.Part{
					{Reasoning: &chat.Reasoning{Text: "hm"}, State: &chat.ProviderState{Data: []byte{0, 1}}},
					{ToolCall: &chat.ToolCall{ID: "1", Name: "n", Arguments: `{"x": 1}`}}}}),
				reply("x"),
			},
			Usage:  json.RawMessage(`{"input_tokens": 1, "output_tokens": 2, "cached_input_tokens": 3}`),
			Record: json.RawMessage(`{"model": "m"}`)}
		if i%3 > 0 {
			commit.Reason = "canceled: went away"
		}
		if _, err := env.Storage.Commit(ctx, commit); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	log, err := from.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	to := env.talkOf("-b", "to").as(env.id("owner"))
	if err := to.load(ctx, log, int64(len(log))); err != nil {
		return err
	}
	copied, err := to.via(1).log(ctx, everyTurn)
	if err != nil {
		return err
	}
	if err := sameTurns("the imported log", copied, log); err != nil {
		return err
	}
	if err := to.pages(ctx, succeededOnly, 1, 2); err != nil {
		return err
	}
	made := env.talkOf("-c", "made").as(env.id("owner"))
	turns := ended(5)
	if err := made.load(ctx, turns, 5); err != nil {
		return err
	}
	copied, err = made.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	if err := sameTurns("the log made elsewhere", copied, turns); err != nil {
		return err
	}
	if err := made.listed(ctx, env.id("owner"), 3, turns[0].StartedAt, turns[4].EndedAt); err != nil {
		return err
	}
	return to.listed(ctx, env.id("owner"), 2, log[0].StartedAt, log[3].EndedAt)
}

func checkImportRepeat(ctx context.Context, env *Env) error {
	const n = 25
	turns := ended(n)
	c := env.talk("c")
	var have int64
	for _, page := range [][2]int{{0, 4}, {0, 4}, {4, 10}, {4, 10}, {0, 10}, {8, 15}} {
		fresh := max(0, int64(page[1])-have)
		if err := c.via(page[1]).load(ctx, turns[page[0]:page[1]], fresh); err != nil {
			return fmt.Errorf("turns %d to %d, when %d are there: %w", page[0]+1, page[1], have, err)
		}
		have += fresh
	}
	added := make([]int64, 8)
	err := together(len(added), func(i int) (err error) {
		added[i], err = c.via(i).tryLoad(ctx, turns[10+i%3:])
		return err
	})
	if err != nil {
		return fmt.Errorf("the same import several times at once: %w", err)
	}
	var sum int64
	for _, n := range added {
		sum += n
	}
	if sum != n-have {
		return fmt.Errorf("equal imports at once say that they appended %d turns; want %d together", sum, n-have)
	}
	other := ended(3)
	other[1].Reason, other[0].Messages = "internal: something else", other[2].Messages
	if err := c.load(ctx, other, 0); err != nil {
		return err
	}
	log, err := c.log(ctx, everyTurn)
	if err != nil {
		return err
	}
	if err := sameTurns("the log imported page by page", log, turns); err != nil {
		return err
	}
	big := env.talk("big")
	blob := ended(1)
	blob[0].Messages[1] = reply(strings.Repeat("0123456789abcde\n", 1<<16))
	if err := big.load(ctx, blob, 1); err != nil {
		return err
	}
	if log, err = big.log(ctx, everyTurn); err != nil {
		return err
	}
	return sameTurns("an imported turn of 1 MiB", log, blob)
}

func checkImportRefused(ctx context.Context, env *Env) error {
	c := env.talk("c")
	turns := ended(9)
	if err := c.load(ctx, turns[:3], 3); err != nil {
		return err
	}
	change := func(i int, f func(*storage.Turn)) []storage.Turn {
		changed := ended(9)
		f(&changed[i])
		return changed
	}
	running := func(t *storage.Turn) { t.State, t.Number, t.EndedAt = storage.Running, 0, time.Time{} }
	var wrong []error
	for _, try := range []struct {
		what   string
		turns  []storage.Turn
		itself bool // the request contradicts itself, so that fault.Invalid is allowed too
	}{
		{"an import behind a gap", turns[4:], false},
		{"an import with another state of a turn that is there", change(1, func(t *storage.Turn) { t.State = storage.Interrupted }), false},
		{"an import with another number of a turn that is there",
			change(0, func(t *storage.Turn) { t.State, t.Number = storage.Succeeded, 2 })[:1], true},
		{"an import with a number that skips", change(3, func(t *storage.Turn) { t.Number = 4 })[3:4], false},
		{"an import with a gap in it", append(ended(4), ended(9)[5:]...), true},
		{"an import out of order", append(ended(5), ended(4)[3]), true},
		{"an import with a running turn in it", change(5, running), true},
		{"an import with a failed turn that has a number", change(4, func(t *storage.Turn) { t.Number = 4 }), true},
		{"an import with success without a number", change(3, func(t *storage.Turn) { t.Number = 0 }), true},
		{"an import from sequence 0", change(0, func(t *storage.Turn) { t.Sequence = 0 })[:1], true},
		{"an import of no state", change(4, func(t *storage.Turn) { t.State = 0 }), true},
	} {
		_, err := c.tryLoad(ctx, try.turns)
		if try.itself && fault.Is(err, fault.Invalid) {
			continue
		}
		wrong = append(wrong, refused(try.what, fault.Conflict, err))
	}
	fresh := env.talk("d")
	_, err := fresh.tryLoad(ctx, turns[1:])
	wrong = append(wrong, refused("an import into nothing that does not begin at 1", fault.Conflict, err))
	wrong = append(wrong, fresh.gone(ctx))
	nowhere := c
	nowhere.call.Conversation = ""
	_, err = nowhere.tryLoad(ctx, turns)
	wrong = append(wrong, refused("an import into no conversation", fault.Invalid, err))
	log, err := c.log(ctx, everyTurn)
	wrong = append(wrong, err, sameTurns("the log after refused imports", log, turns[:3]))
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	s, err := c.start(ctx, "own")
	if err != nil {
		return err
	}
	_, err = c.via(1).tryLoad(ctx, turns[4:5])
	if err := refused("an import while a turn runs", fault.Conflict, err); err != nil {
		return err
	}
	if n, err := c.end(ctx, s.Fence, storage.Succeeded, "own"); err != nil || n != 3 {
		return fmt.Errorf("commit of the turn that ran: number %d, error %v; want 3", n, err)
	}
	return c.load(ctx, turns[4:6], 2) // the import begins at sequence 5, because the turn "own" has sequence 4
}

func checkImportGoesOn(ctx context.Context, env *Env) error {
	c := env.talk("c")
	turns := ended(5)
	if err := c.load(ctx, turns, 5); err != nil {
		return err
	}
	kept := []string{"i1", "re: i1", "i3", "re: i3", "i4", "re: i4"}
	for i, k := range []string{"key 1", "key 2", "key 4"} {
		s, err := c.start(ctx, k, tail(3), key(k, "a digest of its own"))
		if err != nil {
			return fmt.Errorf("begin with a key that was imported: %w", err)
		}
		if s.Sequence != int64(6+i) {
			return fmt.Errorf("the turn after the import has sequence %d; want %d", s.Sequence, 6+i)
		}
		// The last imported turn failed, so that the tail does not contain it.
		if err := same("the tail after the import", tailTexts(s), kept[len(kept)-4:]); err != nil {
			return err
		}
		kept = append(kept, k, "re: "+k)
		for range 2 {
			if n, err := c.end(ctx, s.Fence, storage.Succeeded, k); err != nil || n != int64(4+i) {
				return fmt.Errorf("commit after the import: number %d, error %v; want %d", n, err, 4+i)
			}
		}
		res, err := c.begin(ctx, k, key(k, "a digest of its own"))
		if err := want("begin again with the key", "replay", res, err); err != nil {
			return err
		}
		if res.Replay.Sequence != s.Sequence {
			return fmt.Errorf("the key replays turn %d; want %d, the one begun with it here", res.Replay.Sequence, s.Sequence)
		}
	}
	return errors.Join(c.pages(ctx, everyTurn, 3, 8), c.pages(ctx, succeededOnly, 3, 6))
}

func checkImportApart(ctx context.Context, env *Env) error {
	a, b, other := env.talk("c"), env.talkOf("-b", "c"), env.talk("d")
	turns := ended(3)
	if err := a.load(ctx, turns, 3); err != nil {
		return err
	}
	for _, t := range []talk{b, other} {
		if err := t.gone(ctx); err != nil {
			return err
		}
		if s, err := t.turn(ctx, "one", tail(10)); err != nil || s.Sequence != 1 || len(s.Tail) > 0 {
			return fmt.Errorf("a turn elsewhere after an import: %+v, error %v; want the first, without tail", s, err)
		}
	}
	if err := b.load(ctx, ended(2)[:1], 0); err != nil {
		return err
	}
	if log, err := a.log(ctx, everyTurn); err != nil || len(log) != 3 {
		return fmt.Errorf("the other tenant's import left %d turns, error %v; want 3", len(log), err)
	}
	incarnation := env.talkOf("-incarnation", "c")
	incarnation.call.Incarnation = env.id("incarnation")
	env.talks = append(env.talks, incarnation)
	if err := incarnation.load(ctx, turns, 3); err != nil {
		return err
	}
	if err := env.delete(ctx, "the incarnation", storage.Scope{Call: incarnation.tenant(), Tenant: true}, 1); err != nil {
		return err
	}
	_, err := incarnation.tryLoad(ctx, turns)
	if err := refused("import into a deleted incarnation", fault.Conflict, err); err != nil {
		return err
	}
	if err := incarnation.gone(ctx); err != nil {
		return err
	}
	if _, err := env.Storage.Delete(ctx, storage.Scope{Call: a.call}); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if err := a.gone(ctx); err != nil {
		return err
	}
	return a.load(ctx, turns[:1], 1)
}
