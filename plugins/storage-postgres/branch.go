package pgstore

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// branchTimeout bounds the statement of a branch. It is long because the statement copies all turns.
const branchTimeout = time.Minute

// Branch implements [storage.Brancher]. The copy is made in the database.
func (s *Store) Branch(ctx context.Context, req *storage.BranchRequest) (*storage.BranchResult, error) {
	if err := req.ValidateText(); err != nil {
		return nil, err
	}
	call := req.Call
	args := []any{call.Incarnation, call.Conversation, call.User, req.Source, req.Through, req.Owned, int32(sdk.MaxBranchTurns)}
	var kind string
	var cid, turns, through *int64
	var created *time.Time
	err := s.run(ctx, scope{tenant: call.Tenant, timeout: branchTimeout}, query{s.calls.branch, args, func(rows pgx.Rows) error {
		if !rows.Next() {
			return noRow(rows, "branch")
		}
		return rows.Scan(&kind, &cid, &created, &turns, &through)
	}})
	switch {
	case err != nil:
		return nil, err
	case kind == "exists":
		return nil, fault.New(fault.Conflict, "the conversation exists already").At("conversation")
	case kind == "missing":
		return nil, errMissing()
	case kind == "ended":
		return nil, errEnded()
	case kind == "unnumbered":
		return nil, fault.New(fault.Conflict, "no turn of the conversation has the number %d, or it is retracted", req.Through).At("through")
	case kind == "many":
		return nil, fault.New(fault.Invalid, "more than %d turns would be copied; take a smaller number, or a shorter conversation", sdk.MaxBranchTurns).At("through")
	}
	return &storage.BranchResult{Turns: *turns, Incarnation: incarnation(*cid, *created), Through: *through}, nil
}
