package pgstore

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

const (
	// sweepTurns is the maximum number of turns that one transaction removes. It limits the
	// duration of a transaction.
	sweepTurns = 1000
	// deleteTimeout bounds each statement of a deletion. It is long because a single statement
	// unlinks all conversations of a tenant.
	deleteTimeout = 5 * time.Minute
)

// Delete implements [storage.Storage]. Its first transaction unlinks all conversations of the
// scope, so that no call can read or write them any more. Then Delete removes their turns in
// several transactions. If Delete is interrupted, the next Delete of the same scope removes the
// remaining turns.
func (s *Store) Delete(ctx context.Context, sc storage.Scope) (storage.Deleted, error) {
	var d storage.Deleted
	if err := sc.ValidateText(); err != nil {
		return d, err
	}
	call := sc.Call
	whole := call.Conversation == "" && call.User == ""
	var conversation, user, before any // NULL does not restrict the deletion
	switch {
	case call.Conversation != "":
		conversation = call.Conversation
		if sc.Owned {
			user = call.User
		}
	case call.User != "":
		user = call.User
	}
	if !sc.Before.IsZero() {
		before = sc.Before
	}
	on := scope{tenant: call.Tenant, timeout: deleteTimeout}
	ends := whole && sc.Before.IsZero()
	if err := s.run(ctx, on, query{s.calls.unlink, []any{call.Incarnation, conversation, user, before, ends}, func(rows pgx.Rows) error {
		if !rows.Next() {
			return noRow(rows, "unlink")
		}
		return rows.Scan(&d.Emptied)
	}}); err != nil {
		return d, err
	}
	for {
		step := sweepTurns
		if sc.Limit > 0 {
			step = min(step, sc.Limit-int(d.Turns))
		}
		var conversations, turns int64
		args := []any{call.Incarnation, conversation, user, int32(step)}
		err := s.run(ctx, on, query{s.calls.sweep, args, func(rows pgx.Rows) error {
			if !rows.Next() {
				return noRow(rows, "sweep")
			}
			return rows.Scan(&conversations, &turns, &d.More)
		}})
		if err != nil {
			return d, err
		}
		d.Conversations += conversations
		d.Turns += turns
		if !d.More || sc.Limit > 0 && d.Turns >= int64(sc.Limit) {
			return d, nil
		}
	}
}
