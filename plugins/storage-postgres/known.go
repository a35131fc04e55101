package pgstore

import (
	"context"
	"slices"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// maxKnown is of how many conversations a Store remembers the number; a few MB.
const maxKnown = 10_000

// place is where a conversation is. One that is known may be gone since, or another may
// have its place: then its number is not found there.
type place struct{ tenant, life, id string }

func placeOf(c sdk.Call) place { return place{c.Tenant, c.Incarnation, c.Conversation} }

// beginKnown begins a turn as most are: in a conversation that is known and free. It
// answers nil where it is not, or anything else needs the function.
func (s *Store) beginKnown(ctx context.Context, req *storage.BeginRequest, message string) (*storage.BeginResult, error) {
	call := req.Call
	at := placeOf(call)
	cid, ok := s.known.Get(at)
	if !ok || req.Key != "" || req.Attempt == "" || !s.pool.direct.Load() {
		return nil, nil
	}
	var sequence int64
	var tail newest
	queries := []query{{s.calls.beginFree, []any{call.Incarnation, call.Conversation, cid, call.User, message, object(req.Metadata),
		req.Holder, min(req.Lease, maxLease), req.Attempt, req.Owned}, func(rows pgx.Rows) error {
		sequence = 0
		if rows.Next() {
			if err := rows.Scan(&sequence); err != nil {
				return err
			}
		}
		return rows.Err()
	}}}
	if req.Tail > 0 {
		queries = append(queries, query{s.calls.tail, []any{int64(req.Tail), int64(req.TailBytesOrDefault()), cid}, tail.read})
	}
	if err := s.share(ctx, call.Tenant, cid, req.Tail > 2*lightTail, queries...); err != nil {
		return nil, err
	}
	if sequence == 0 {
		s.known.Remove(at)
		return nil, nil
	}
	messages, err := tail.messages(req.Tail)
	if err != nil {
		return nil, err
	}
	return &storage.BeginResult{Started: &storage.Started{Sequence: sequence, Fence: fence(cid, sequence), Tail: messages, TailCut: tail.cut}}, nil
}

// commitHeld ends the turn that holds the conversation, as most are ended, and says
// whether it did. Where the fence does not hold it, the function knows more.
func (s *Store) commitHeld(ctx context.Context, tenant string, cid int64, args []any) (int64, bool, error) {
	if !s.pool.direct.Load() {
		return 0, false, nil
	}
	var number int64
	var held bool
	err := s.share(ctx, tenant, cid, false, query{s.calls.commitHeld, args, func(rows pgx.Rows) error {
		if held = rows.Next(); held {
			return rows.Scan(&number)
		}
		return rows.Err()
	}})
	if err != nil {
		return 0, false, err
	}
	return number, held, nil
}

// newest collects the messages of turns, the newest turn first, to decode them at once.
type newest struct {
	text []byte
	cut  bool // there is one more, and too many bytes of it
}

// add takes a turn's message and its replies, which are null for none.
func (t *newest) add(message, replies []byte) {
	if replies == nil {
		replies = []byte("null")
	}
	if t.text == nil {
		t.text = make([]byte, 0, 4<<10)
	}
	t.text = append(t.text, ",[["...)
	t.text = append(t.text, message...)
	t.text = append(t.text, "],"...)
	t.text = append(t.text, replies...)
	t.text = append(t.text, ']')
}

// read takes rows of the statement tail.
func (t *newest) read(rows pgx.Rows) error {
	*t = newest{}
	for rows.Next() {
		raw := rows.RawValues()
		if t.cut = raw[2][0] == 't' || raw[2][0] == 1; t.cut { // as text, or in binary
			break
		}
		t.add(raw[0], raw[1])
	}
	return rows.Err()
}

// messages are the newest ones, in order.
func (t *newest) messages(most int) ([]chat.Message, error) {
	if t.text == nil {
		return nil, nil
	}
	t.text[0] = '['
	var turns [][2][]chat.Message
	if err := decode(append(t.text, ']'), &turns); err != nil {
		return nil, err
	}
	have := 0
	for _, turn := range turns {
		have += len(turn[0]) + len(turn[1])
	}
	all := make([]chat.Message, 0, have)
	for _, turn := range slices.Backward(turns) {
		all = append(append(all, turn[0]...), turn[1]...)
	}
	return all[max(0, have-most):], nil
}
