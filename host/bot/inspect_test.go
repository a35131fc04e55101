package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// pagedStorage is a storage whose pages have at most three turns.
type pagedStorage struct{ logStorage }

func (s *pagedStorage) Read(ctx context.Context, r *storage.ReadRequest) (*storage.TurnPage, error) {
	short := *r
	short.Limit = min(short.Limit, 3)
	return s.logStorage.Read(ctx, &short)
}

func recorded(revision string, recalled int, recallMS float64) json.RawMessage {
	out, _ := json.Marshal(record{Revision: revision, Recalled: recalled, Timings: Timings{RecallMS: recallMS}})
	return out
}

func TestInspect_rebuildsWhatTheModelSaw(t *testing.T) {
	s := &pagedStorage{}
	number, turns := int64(0), []storage.Turn{}
	for i := int64(1); i <= 40; i++ {
		turn := storage.Turn{Sequence: i, State: storage.Failed, Record: recorded("r1", 4, 0),
			Messages: storage.EncodeMessages(chat.Text(chat.User, fmt.Sprint("q", i)), chat.Text(chat.Assistant, fmt.Sprint("a", i)))}
		if i%10 == 0 || i < 4 {
			number++
			turn.State, turn.Number = storage.Succeeded, number
		}
		turns = append(turns, turn)
	}
	if err := importTurns(t.Context(), s.store(), testCall, turns...); err != nil {
		t.Fatal(err)
	}
	b := newTestBot(s, nil)
	ctx := context.Background()
	turn, err := b.TurnByNumber(ctx, "c", 5) // the turn with the sequence 20
	if err != nil || turn.Sequence != 20 {
		t.Fatal(turn, err)
	}
	shown, err := b.Inspect(ctx, "c", turn)
	if err != nil || len(shown.Gaps) != 0 {
		t.Fatal(shown, err)
	}
	if got, want := texts(shown.Seen), "system:be kind|user:q3|assistant:a3|user:q10|assistant:a10|user:q20|"; got != want {
		t.Errorf("seen %s; want %s", got, want)
	}
	turn, err = b.TurnBySequence(ctx, "c", 15)
	if err != nil || turn.State != storage.Failed {
		t.Fatal(turn, err)
	}
	for name, missing := range map[string]func() (*Turn, error){
		"number 8":    func() (*Turn, error) { return b.TurnByNumber(ctx, "c", 8) },
		"number 0":    func() (*Turn, error) { return b.TurnByNumber(ctx, "c", 0) },
		"sequence 41": func() (*Turn, error) { return b.TurnBySequence(ctx, "c", 41) },
		"sequence -1": func() (*Turn, error) { return b.TurnBySequence(ctx, "c", -1) },
	} {
		t.Run(name, func(t *testing.T) {
			if turn, err := missing(); !fault.Is(err, fault.NotFound) {
				t.Errorf("%v %v", turn, err)
			}
		})
	}
	for want, rec := range map[string]json.RawMessage{
		"revision r0": recorded("r0", 0, 0), "the memory chose 7": recorded("r1", 7, 1.5),
		"1 of the 13": recorded("r1", 13, 0), "no record": nil,
	} {
		t.Run(want, func(t *testing.T) {
			turn, err := decodeTurn(&turns[39])
			if err != nil {
				t.Fatal(err)
			}
			turn.Record = rec
			shown, err := b.Inspect(ctx, "c", &turn)
			if err != nil || len(shown.Gaps) != 1 || !strings.Contains(shown.Gaps[0], want) {
				t.Errorf("%+v %v", shown, err)
			}
		})
	}
}

// TestInspect_emptiedTurns checks that Inspect leaves out the messages of an emptied turn and
// all messages before it. Older messages must not take the place of the erased messages.
func TestInspect_emptiedTurns(t *testing.T) {
	s := &pagedStorage{}
	var turns []storage.Turn
	for i := int64(1); i <= 5; i++ {
		turns = append(turns, storage.Turn{
			User: fmt.Sprint("user ", i), Sequence: i, Number: i, State: storage.Succeeded, Record: recorded("r1", 4, 0),
			Messages: storage.EncodeMessages(chat.Text(chat.User, fmt.Sprint("q", i)), chat.Text(chat.Assistant, fmt.Sprint("a", i))),
		})
	}
	if err := importTurns(t.Context(), s.store(), testCall, turns...); err != nil {
		t.Fatal(err)
	}
	third := sdk.Call{Tenant: testCall.Tenant, User: "user 3"}
	if d, err := s.Delete(t.Context(), storage.Scope{Call: third}); err != nil || d.Emptied != 1 {
		t.Fatal(d, err)
	}
	b := newTestBot(s, nil)
	for number, c := range map[int]struct{ seen, gap string }{
		3: {"", "was deleted"},
		4: {"system:be kind|user:q4|", "the oldest 4 of the 4"},
		5: {"system:be kind|user:q4|assistant:a4|user:q5|", "the oldest 2 of the 4"},
	} {
		t.Run(fmt.Sprint("turn ", number), func(t *testing.T) {
			turn, err := b.TurnByNumber(t.Context(), "c", int64(number))
			if err != nil {
				t.Fatal(err)
			}
			shown, err := b.Inspect(t.Context(), "c", turn)
			if err != nil || texts(shown.Seen) != c.seen || len(shown.Gaps) != 1 || !strings.Contains(shown.Gaps[0], c.gap) {
				t.Errorf("%+v, %v; want %q and %q", shown, err, c.seen, c.gap)
			}
		})
	}
}

// TestInspect_ofAnyRecord checks that a record with any numbers of messages makes the host hold a tail at
// most: memory.MaxTail messages of sdk.MaxTailBytes.
func TestInspect_ofAnyRecord(t *testing.T) {
	const mib = 1 << 20
	for name, c := range map[string]struct {
		turns, bytes int // of the conversation, and of each of its messages
		record       string
		most         int // messages that the host says the model was shown
		gap          string
	}{
		"messages":          {turns: 60, bytes: 10, record: `{"revision":"r1","recalled_messages":9223372036854775807}`, most: 120, gap: "names 9223372036854775807 earlier messages"},
		"messages of tails": {turns: 60, bytes: 10, record: `{"revision":"r1","recalled_messages":40,"tail_messages":9223372036854775807}`, most: 40, gap: "names 9223372036854775807 earlier messages"},
		"below zero":        {turns: 60, bytes: 10, record: `{"revision":"r1","recalled_messages":-7,"tail_messages":-9}`, most: 0},
		"bytes":             {turns: 30, bytes: mib / 2, record: `{"revision":"r1","recalled_messages":60}`, most: sdk.MaxTailBytes / (mib / 2), gap: "of the 60 earlier messages are not here"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &logStorage{}
			text := strings.Repeat("x", c.bytes)
			var turns []storage.Turn
			for i := int64(1); i <= int64(c.turns)+1; i++ {
				turns = append(turns, storage.Turn{Sequence: i, Number: i, State: storage.Succeeded, Record: json.RawMessage(c.record),
					Messages: storage.EncodeMessages(chat.Text(chat.User, text), chat.Text(chat.Assistant, text))})
			}
			if err := importTurns(t.Context(), s.store(), testCall, turns...); err != nil {
				t.Fatal(err)
			}
			b := newTestBot(s, nil)
			turn, err := b.TurnByNumber(t.Context(), "c", int64(c.turns)+1)
			if err != nil {
				t.Fatal(err)
			}
			shown, err := b.Inspect(t.Context(), "c", turn)
			if err != nil {
				t.Fatal(err)
			}
			earlier := shown.Seen[1 : len(shown.Seen)-1]
			if len(earlier) > c.most || len(earlier) < c.most-2 || chat.Size(earlier) > sdk.MaxTailBytes {
				t.Errorf("%d messages of %d bytes are shown", len(earlier), chat.Size(earlier))
			}
			if c.gap != "" && !strings.Contains(strings.Join(shown.Gaps, "\n"), c.gap) {
				t.Errorf("gaps: %q", shown.Gaps)
			}
		})
	}
	r := record{Recalled: 1 << 40, Tail: 1 << 41}
	if clipped, was := r.clipTail(); !clipped || was != 1<<41 || r.Recalled != maxRecorded || r.Tail != maxRecorded {
		t.Errorf("%+v", r)
	}
}
