package pgstore

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

const (
	// sweepTurns is how many turns one transaction removes, so that none is long.
	sweepTurns = 1000
	// deleteTimeout is what a statement of a deletion may take: putting a large tenant
	// out of reach is one.
	deleteTimeout = 5 * time.Minute
)

// Delete implements [storage.Storage]. What the scope names is out of reach with its
// first transaction; then turns are removed in transactions of their own. What is left
// when they end early, the next Delete of the scope removes.
func (s *Store) Delete(ctx context.Context, sc storage.Scope) (storage.Deleted, error) {
	var d storage.Deleted
	if err := sc.ValidateText(); err != nil {
		return d, err
	}
	call := sc.Call
	whole := call.Conversation == "" && call.User == ""
	var conversation, user, before any // NULL is any
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
			return unanswered(rows, "unlink")
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
				return unanswered(rows, "sweep")
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
