package sqlitestore

import (
	"context"
	"math"
	"slices"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
)

// A transaction of a deletion handles at most this many rows, so that other tenants' writes run
// between two transactions.
const (
	unlinkStep = 1000 // conversations per transaction
	sweepStep  = 100  // turns per transaction
)

// Delete implements [storage.Storage]. It first unlinks the conversations of the scope, so that no
// call can read or write them any more. Then it deletes the rows of unlinked conversations in small
// transactions. If a crash or the end of ctx stops Delete, a repeated Delete or the janitor deletes
// the remaining rows.
func (s *Store) Delete(ctx context.Context, scope storage.Scope) (storage.Deleted, error) {
	call := scope.Call
	err := scope.ValidateText()
	if err != nil {
		return storage.Deleted{}, err
	}
	var emptied int64
	whole := call.Conversation == "" && call.User == ""
	if whole && scope.Before.IsZero() {
		err = s.write(ctx, func(tx *session) error { return purge(tx, call, s.now().UnixNano()) })
	} else {
		err = s.unlink(ctx, scope)
	}
	if err == nil && call.Conversation == "" && call.User != "" {
		emptied, err = s.eraseUser(ctx, scope)
	}
	if err != nil {
		return storage.Deleted{Emptied: emptied}, err
	}
	d, err := s.sweep(ctx, unlinked{call: call, owned: scope.Owned, before: math.MaxInt64}, scope.Limit)
	d.Emptied = emptied
	if d.Turns+d.Emptied > 0 && !d.More {
		s.janitor.scrubWAL()
	}
	return d, err
}

// purge marks the call's incarnation of the tenant as deleted, which unlinks all conversations of
// the incarnation. If the call names an incarnation without a row in lives, purge inserts a row
// that is marked as deleted, so that the incarnation can never begin.
func purge(tx *session, call sdk.Call, now int64) error {
	n, err := tx.exec("UPDATE lives SET deleted_at = ? WHERE tenant = ? AND incarnation = ? AND deleted_at IS NULL",
		now, call.Tenant, call.Incarnation)
	if err != nil || n > 0 || call.Incarnation == "" {
		return err
	}
	_, err = tx.exec(`INSERT INTO lives (tenant, incarnation, deleted_at, swept) SELECT ?1, ?2, ?3, 1
		WHERE NOT EXISTS (SELECT 1 FROM lives WHERE tenant = ?1 AND incarnation = ?2 AND deleted_at IS NOT NULL)`,
		call.Tenant, call.Incarnation, now)
	return err
}

// unlink marks the conversations of the scope as deleted, at most unlinkStep in one transaction.
// The incarnation of the tenant stays. When the scope is a single user, unlink leaves out
// conversations in which other users wrote.
func (s *Store) unlink(ctx context.Context, scope storage.Scope) error {
	call := scope.Call
	args := []any{call.Tenant, call.Incarnation}
	only := ""
	switch {
	case call.Conversation != "":
		only, args = " AND c.name = ?", append(args, call.Conversation)
		if scope.Owned {
			only, args = only+" AND c.user = ?", append(args, call.User)
		}
	case call.User != "":
		only, args = " AND c.user = ? AND NOT EXISTS (SELECT 1 FROM writers w WHERE w.conversation = c.id)", append(args, call.User)
	}
	for {
		var n int64
		err := s.write(ctx, func(tx *session) (err error) {
			now := s.now().UnixNano()
			old, times := sparedBy(scope, now)
			all := slices.Concat([]any{now}, args, times, []any{unlinkStep})
			n, err = tx.exec("UPDATE conversations SET deleted_at = ? WHERE id IN (SELECT c.id "+liveConversations+only+old+" LIMIT ?)", all...)
			return err
		})
		if err != nil || n < unlinkStep {
			return err
		}
	}
}

// sparedBy returns an SQL condition and its arguments. The condition is true for a conversation c
// that the deletion includes. Scope.Before excludes conversations that changed at that time or
// later, and conversations with a running turn whose lease has not expired.
func sparedBy(scope storage.Scope, now int64) (string, []any) {
	if scope.Before.IsZero() {
		return "", nil
	}
	before := clampTime(scope.Before)
	return ` AND c.updated_day <= ? AND c.updated_at < ? AND (c.running = 0 OR
		max(c.lease_until, coalesce((SELECT until FROM holders h WHERE h.holder = c.holder), 0)) <= ?)`, []any{day(before), before, now}
}

// unlinked selects the unlinked conversations of one incarnation of a tenant. If the call names a
// conversation or a user, unlinked selects only that conversation or the conversations of that
// user.
type unlinked struct {
	call sdk.Call
	// owned selects the conversation only if the call's user owned it.
	owned bool
	// before excludes conversations that were unlinked at that time or later. Its unit is nanoseconds
	// since 1970.
	before int64
}

// sweep deletes the rows of the conversations that r selects and of their turns, and counts the
// deleted rows. A limit other than 0 is the maximum number of turns that sweep deletes.
func (s *Store) sweep(ctx context.Context, r unlinked, limit int) (d storage.Deleted, err error) {
	for {
		step := int64(sweepStep)
		if limit > 0 {
			step = min(step, int64(limit)-d.Turns)
		}
		var now storage.Deleted // the rows that the current transaction has deleted
		err := s.write(ctx, func(tx *session) (err error) {
			now, err = r.remove(tx, step)
			return err
		})
		d.Conversations += now.Conversations
		d.Turns += now.Turns
		d.More = now.More
		if err != nil || !now.More || limit > 0 && d.Turns >= int64(limit) {
			return d, err
		}
	}
}

// remove deletes at most the given number of turns, and each conversation that has no turns left.
func (r unlinked) remove(tx *session, turns int64) (d storage.Deleted, err error) {
	for {
		id, left, err := r.next(tx)
		if err != nil {
			return d, err
		}
		if id == 0 {
			return d, r.markSwept(tx)
		}
		if d.Turns == turns {
			d.More = true
			return d, nil
		}
		n := min(left, turns-d.Turns)
		// Sequences begin at 1 and have no gaps. Turns are deleted from the highest sequence
		// downwards, so that the highest sequence is always the number of remaining turns.
		if _, err := tx.exec("DELETE FROM turns WHERE conversation = ? AND sequence > ?", id, left-n); err != nil {
			return d, err
		}
		d.Turns += n
		if n < left {
			_, err = tx.exec("UPDATE conversations SET sequence = ? WHERE id = ?", left-n, id)
		} else {
			d.Conversations++
			_, err = tx.exec("DELETE FROM conversations WHERE id = ?", id)
		}
		if err != nil {
			return d, err
		}
	}
}

// next returns the id of a conversation that r selects, and the number of its remaining turns. The
// id is 0 if there is no such conversation.
func (r unlinked) next(tx *session) (id, left int64, err error) {
	only, args := "", []any{r.call.Tenant, r.call.Incarnation, r.before}
	switch {
	case r.call.Conversation != "":
		only, args = " AND c.name = ?", append(args, r.call.Conversation)
		if r.owned {
			only, args = only+" AND c.user = ?", append(args, r.call.User)
		}
	case r.call.User != "":
		only, args = " AND c.user = ?", append(args, r.call.User)
	}
	for _, query := range []string{
		// A conversation is unlinked if its row or the row of its incarnation is marked as deleted.
		`SELECT c.id, c.sequence FROM lives l JOIN conversations c ON c.life = l.id
			WHERE l.tenant = ? AND l.incarnation = ? AND c.deleted_at IS NOT NULL AND c.deleted_at < ?`,
		`SELECT c.id, c.sequence FROM lives l JOIN conversations c ON c.life = l.id
			WHERE l.tenant = ? AND l.incarnation = ? AND l.deleted_at IS NOT NULL AND l.deleted_at < ? AND c.deleted_at IS NULL`,
	} {
		found, err := tx.get([]any{&id, &left}, query+only+" LIMIT 1", args...)
		if found || err != nil {
			return id, left, err
		}
	}
	return 0, 0, nil
}

// markSwept records that all conversations of a deleted incarnation were removed. It does nothing
// if r selects only a conversation or a user.
func (r unlinked) markSwept(tx *session) error {
	if r.call.Conversation != "" || r.call.User != "" {
		return nil
	}
	args := []any{r.call.Tenant, r.call.Incarnation, r.before}
	if r.call.Incarnation == "" {
		_, err := tx.exec("DELETE FROM lives WHERE tenant = ? AND incarnation = ? AND deleted_at < ?", args...)
		return err
	}
	_, err := tx.exec("UPDATE lives SET swept = 1 WHERE tenant = ? AND incarnation = ? AND deleted_at < ? AND swept = 0", args...)
	return err
}
