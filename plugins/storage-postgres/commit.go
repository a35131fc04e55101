package pgstore

import (
	"context"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// Commit implements [storage.Storage]. It tries the fast path first, and otherwise calls the
// database function.
func (s *Store) Commit(ctx context.Context, req *storage.CommitRequest) (int64, error) {
	if err := req.ValidateText(); err != nil {
		return 0, err
	}
	cid, sequence, ok := parseFence(req.Fence)
	if !ok {
		return 0, errStale()
	}
	replies := storeReplies(req.Messages)
	call := req.Call
	args := []any{call.Incarnation, call.Conversation, cid, sequence, req.State.String(), req.Reason, replies.texts,
		int32(len(req.Messages)), object(req.Usage), object(req.Record), replies.bodies}
	if number, done, err := s.commitFast(ctx, call.Tenant, cid, args); done || err != nil {
		return number, err
	}
	var kind string
	var number *int64
	var state *string
	err := s.run(ctx, scope{tenant: call.Tenant}, query{s.calls.commit, args, func(rows pgx.Rows) error {
		if !rows.Next() {
			return noRow(rows, "commit")
		}
		return rows.Scan(&kind, &number, &state)
	}})
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
