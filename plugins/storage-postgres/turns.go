package pgstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// maxLease keeps times within what Postgres knows.
const maxLease = 1000 * 24 * time.Hour

// Begin implements [storage.Storage].
func (s *Store) Begin(ctx context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	if err := checkBegin(req); err != nil {
		return nil, err
	}
	message, err := encode(req.Message)
	if err != nil {
		return nil, err
	}
	var key, digest, attempt any
	if req.Key != "" {
		key, digest = req.Key, slices.Concat(req.Digest) // not nil: NULL would replay nothing
		if req.Digest == nil {
			digest = []byte{}
		}
	}
	if req.Attempt != "" {
		attempt = req.Attempt
	}
	call := req.Call
	args := []any{call.Incarnation, call.Conversation, call.User, message, object(req.Metadata), int32(min(req.Tail, 1<<30)),
		req.Holder, min(req.Lease, maxLease), key, digest, attempt}
	var result *storage.BeginResult
	err = s.run(ctx, scope{tenant: call.Tenant}, s.calls.begin, args, func(rows pgx.Rows) error {
		var err error
		result, err = begun(rows, req.Tail)
		return err
	})
	return result, err
}

// begun reads the answer of a Begin.
func begun(rows pgx.Rows, tail int) (*storage.BeginResult, error) {
	var kind string
	var cid *int64
	var row turnRow
	into := append([]any{&kind, &cid}, row.columns()...)
	if !rows.Next() {
		return nil, unanswered(rows, "begin")
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	switch kind {
	case "replay":
		t, err := row.turn()
		return &storage.BeginResult{Replay: &t}, err
	case "busy", "busy_same":
		return &storage.BeginResult{Busy: &storage.Busy{SameKey: kind == "busy_same"}}, nil
	case "reused":
		return &storage.BeginResult{KeyReused: true}, nil
	case "ended":
		return nil, errEnded()
	}
	started := &storage.Started{Sequence: *row.sequence, Fence: fence(*cid, *row.sequence)}
	newest := make([][]chat.Message, 0, min(tail, 64)) // turns, the newest first
	have := 0
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		messages, err := row.messages()
		if err != nil {
			return nil, err
		}
		newest = append(newest, messages)
		have += len(messages)
	}
	if have > 0 {
		all := make([]chat.Message, 0, have)
		for _, messages := range slices.Backward(newest) {
			all = append(all, messages...)
		}
		started.Tail = all[max(0, have-tail):]
	}
	return &storage.BeginResult{Started: started}, rows.Err()
}

// Commit implements [storage.Storage].
func (s *Store) Commit(ctx context.Context, req *storage.CommitRequest) (int64, error) {
	if err := checkCommit(req); err != nil {
		return 0, err
	}
	cid, sequence, ok := parseFence(req.Fence)
	if !ok {
		return 0, errStale()
	}
	replies, err := encodeList(req.Messages)
	if err != nil {
		return 0, err
	}
	usage, err := encodeUsage(req.Usage)
	if err != nil {
		return 0, err
	}
	call := req.Call
	args := []any{call.Incarnation, call.Conversation, cid, sequence, req.State.String(), req.Reason, replies,
		int32(len(req.Messages)), usage, object(req.Record)}
	var kind string
	var number *int64
	var state *string
	err = s.run(ctx, scope{tenant: call.Tenant}, s.calls.commit, args, func(rows pgx.Rows) error {
		if !rows.Next() {
			return unanswered(rows, "commit")
		}
		return rows.Scan(&kind, &number, &state)
	})
	switch {
	case err != nil:
		return 0, err
	case kind == "stale":
		return 0, errStale()
	case kind == "other":
		return 0, fault.New(fault.Conflict, "the turn has %s already", *state).At("state")
	}
	return *number, nil
}

// fence is what Commit must bring: the life of the conversation, by a number that no
// other has in this database, and the turn.
func fence(cid, sequence int64) string { return fmt.Sprintf("%d.%d", cid, sequence) }

func parseFence(fence string) (cid, sequence int64, ok bool) {
	a, b, ok := strings.Cut(fence, ".")
	if !ok {
		return 0, 0, false
	}
	cid, errA := strconv.ParseInt(a, 10, 64)
	sequence, errB := strconv.ParseInt(b, 10, 64)
	return cid, sequence, errA == nil && errB == nil && cid > 0 && sequence > 0
}

func errStale() error {
	return fault.New(fault.Conflict, "the fence does not hold the conversation").At("fence")
}

func errEnded() error {
	return fault.New(fault.Conflict, "this life of the tenant was deleted")
}

// unanswered is a function of ours that gave no row.
func unanswered(rows pgx.Rows, what string) error {
	if err := rows.Err(); err != nil {
		return err
	}
	return fault.New(fault.Internal, "the database answered %s with nothing", what).By(fault.PartyPlugin)
}
