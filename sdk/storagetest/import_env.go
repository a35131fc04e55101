package storagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// load imports the turns into the conversation and checks that want turns were appended.
func (t talk) load(ctx context.Context, turns []storage.Turn, want int64) error {
	n, err := t.tryLoad(ctx, turns)
	if err != nil {
		return fmt.Errorf("import of %d turns: %w", len(turns), err)
	}
	if n != want {
		return fmt.Errorf("import of %d turns appended %d; want %d", len(turns), n, want)
	}
	return nil
}

func (t talk) tryLoad(ctx context.Context, turns []storage.Turn) (int64, error) {
	importer, ok := t.storage().(storage.Importer)
	if !ok {
		return 0, ErrSkip
	}
	return importer.Import(ctx, &storage.ImportRequest{Call: t.call, Turns: turns})
}

// ended returns n ended turns, as another storage may export them. Every third turn failed.
func ended(n int) []storage.Turn {
	start := time.Date(2024, 2, 29, 23, 59, 58, 123456000, time.UTC)
	turns := make([]storage.Turn, n)
	number := int64(0)
	for i := range turns {
		text := fmt.Sprintf("i%d", i+1)
		turns[i] = storage.Turn{
			Sequence: int64(i + 1), State: storage.Succeeded, User: fmt.Sprintf("user %d", i%2),
			Messages: []storage.Message{said(text), reply(text)},
			Usage:    json.RawMessage(fmt.Sprintf(`{"input_tokens": %d, "output_tokens": 2}`, i)), Key: fmt.Sprintf("key %d", i+1),
			StartedAt: start.Add(time.Duration(i) * time.Hour), EndedAt: start.Add(time.Duration(i)*time.Hour + time.Second),
		}
		if i%3 == 1 {
			turns[i].State, turns[i].Reason, turns[i].Messages = storage.Failed, "internal: oh", turns[i].Messages[:1]
			continue
		}
		number++
		turns[i].Number = number
	}
	return turns
}

// sameTurns returns an error if two lists of turns differ in any field.
func sameTurns(what string, got, want []storage.Turn) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d turns; want %d", what, len(got), len(want))
	}
	for i := range got {
		g, w := got[i], want[i]
		if !g.StartedAt.Equal(w.StartedAt) || !g.EndedAt.Equal(w.EndedAt) {
			return fmt.Errorf("%s: turn %d ran from %v to %v; want %v to %v", what, i+1, g.StartedAt, g.EndedAt, w.StartedAt, w.EndedAt)
		}
		for _, pair := range [][2]*json.RawMessage{{&g.Metadata, &w.Metadata}, {&g.Record, &w.Record}, {&g.Usage, &w.Usage}} {
			if err := sameJSON(fmt.Sprintf("%s: metadata, record or usage of turn %d", what, i+1), *pair[0], *pair[1]); err != nil {
				return err
			}
			*pair[0], *pair[1] = nil, nil
		}
		if err := sameMessages(fmt.Sprintf("%s: messages of turn %d", what, i+1), g.Messages, w.Messages); err != nil {
			return err
		}
		g.Messages, w.Messages = nil, nil
		g.StartedAt, g.EndedAt, w.StartedAt, w.EndedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if err := same(fmt.Sprintf("%s: turn %d", what, i+1), g, w); err != nil {
			return err
		}
	}
	return nil
}

// listed checks that the tenant has only this conversation, with this owner, number of turns and
// times.
func (t talk) listed(ctx context.Context, user string, turns int64, created, updated time.Time) error {
	all, err := t.env.list(ctx, t.tenant(), 10)
	if err != nil {
		return err
	}
	if len(all) != 1 || all[0].ID != t.call.Conversation || all[0].User != user || all[0].Turns != turns {
		return fmt.Errorf("listed are %+v; want only %q of user %q with %d turns", all, t.call.Conversation, user, turns)
	}
	if !all[0].CreatedAt.Equal(created) || !all[0].UpdatedAt.Equal(updated) {
		return fmt.Errorf("%q was created at %v and updated at %v; want %v and %v",
			all[0].ID, all[0].CreatedAt, all[0].UpdatedAt, created, updated)
	}
	return nil
}
