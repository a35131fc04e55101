package pgstore

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// maxCachedRefs is the number of conversations whose references a Store caches. The full cache
// takes a few megabytes.
const maxCachedRefs = 10_000

// conversationKey is the key of a conversation in the cache of references. The cached reference may
// be outdated, because another host may have deleted the conversation and begun it again. The
// statements of the fast path then match no row.
type conversationKey struct{ tenant, incarnation, id string }

// conversationRef identifies a conversation in the database.
type conversationRef struct {
	cid         int64
	incarnation string
}

// started returns the result of a Begin that has begun the turn.
func (r conversationRef) started(sequence int64, tail *tailRows, cursor *cursorRows) (*storage.BeginResult, error) {
	turns, err := tail.decode()
	if err != nil {
		return nil, err
	}
	return &storage.BeginResult{Started: &storage.Started{
		Sequence: sequence, Fence: fence(r.cid, sequence), Tail: turns, TailCut: tail.cut, Incarnation: r.incarnation,
		Cursor: cursor.sequence, Retractions: cursor.retractions}}, nil
}

func keyOf(c sdk.Call) conversationKey {
	return conversationKey{c.Tenant, c.Incarnation, c.Conversation}
}

// beginFast begins a turn with a plain statement instead of the database function. It succeeds if
// the conversation is cached, no turn is running in it, and the turn has no key and retracts nothing. It
// returns nil, nil if the caller must call the database function.
func (s *Store) beginFast(ctx context.Context, req *storage.BeginRequest, message stored) (*storage.BeginResult, error) {
	call := req.Call
	key := keyOf(call)
	ref, ok := s.refs.Get(key)
	if !ok || req.Key != "" || req.RetractFrom > 0 || req.Attempt == "" || !s.pool.prepare.Load() {
		return nil, nil
	}
	var sequence int64
	var tail tailRows
	var cursor cursorRows
	queries := []query{{s.calls.beginFast, []any{call.Incarnation, call.Conversation, ref.cid, call.User, message.texts, object(req.Metadata),
		req.Holder, min(req.Lease, maxLease), req.Attempt, req.Owned, message.bodies, int32(len(req.Messages))}, func(rows pgx.Rows) error {
		sequence = 0
		if rows.Next() {
			if err := rows.Scan(&sequence); err != nil {
				return err
			}
		}
		return rows.Err()
	}}}
	if req.Tail > 0 {
		queries = append(queries, query{s.calls.tail, []any{int64(req.Tail), int64(req.TailBytesOrDefault()), ref.cid}, tail.read})
	}
	if req.CursorKey != "" {
		queries = append(queries, query{s.calls.cursor, []any{call.Incarnation, req.CursorKey, int64(sdk.MaxRetractions), ref.cid}, cursor.read})
	}
	var err error
	if req.Tail > 2*maxBatchTail {
		err = s.run(ctx, scope{tenant: call.Tenant}, queries...)
	} else {
		err = s.runBatched(ctx, call.Tenant, ref.cid, queries...)
	}
	if err != nil {
		return nil, err
	}
	if sequence == 0 {
		s.refs.Remove(key)
		return nil, nil
	}
	return ref.started(sequence, &tail, &cursor)
}

// commitFast ends the running turn with a plain statement instead of the database function. It
// returns the turn's number and whether it has ended the turn. If it has not, the caller must call
// the database function, which also finds out the reason.
func (s *Store) commitFast(ctx context.Context, tenant string, cid int64, args []any) (int64, bool, error) {
	if !s.pool.prepare.Load() {
		return 0, false, nil
	}
	// commitFast has no named results, because after an error the scan function may still be
	// running and may write these variables.
	var number int64
	var done bool
	err := s.runBatched(ctx, tenant, cid, query{s.calls.commitFast, args, func(rows pgx.Rows) error {
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
