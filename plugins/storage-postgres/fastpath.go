package pgstore

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// maxCachedCIDs is for how many conversations a Store remembers the number. The cache takes
// a few MB.
const maxCachedCIDs = 10_000

// conversationKey names a conversation in the cache of numbers. The number that is cached
// may be out of date: the conversation may have been deleted and begun again since. The
// fast path then finds no row with that number.
type conversationKey struct{ tenant, incarnation, id string }

func keyOf(c sdk.Call) conversationKey {
	return conversationKey{c.Tenant, c.Incarnation, c.Conversation}
}

// beginFast begins a turn with a plain statement instead of the database's function. It
// can do so in a conversation whose number is cached and that no turn holds. It returns
// nil, nil when the function is needed.
func (s *Store) beginFast(ctx context.Context, req *storage.BeginRequest, message string) (*storage.BeginResult, error) {
	call := req.Call
	key := keyOf(call)
	cid, ok := s.cids.Get(key)
	if !ok || req.Key != "" || req.Attempt == "" || !s.pool.prepare.Load() {
		return nil, nil
	}
	var sequence int64
	var tail tailRows
	queries := []query{{s.calls.beginFast, []any{call.Incarnation, call.Conversation, cid, call.User, message, object(req.Metadata),
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
	if err := s.runBatched(ctx, call.Tenant, cid, req.Tail > 2*maxBatchTail, queries...); err != nil {
		return nil, err
	}
	if sequence == 0 {
		s.cids.Remove(key)
		return nil, nil
	}
	messages, err := tail.messages(req.Tail)
	if err != nil {
		return nil, err
	}
	return &storage.BeginResult{Started: &storage.Started{Sequence: sequence, Fence: fence(cid, sequence), Tail: messages, TailCut: tail.cut}}, nil
}

// commitFast ends the turn that holds the conversation with a plain statement. It returns the
// turn's number and reports whether it ended the turn. If not, the database's function must
// be called: it finds out why.
func (s *Store) commitFast(ctx context.Context, tenant string, cid int64, args []any) (int64, bool, error) {
	if !s.pool.prepare.Load() {
		return 0, false, nil
	}
	// No named results: after an error the scan may still run, and write to these.
	var number int64
	var done bool
	err := s.runBatched(ctx, tenant, cid, false, query{s.calls.commitFast, args, func(rows pgx.Rows) error {
		if done = rows.Next(); done {
			return rows.Scan(&number)
		}
		return rows.Err()
	}})
	if err != nil {
		return 0, false, err
	}
	return number, done, nil
}
