package sqlitestore

import (
	"context"
	"math"
	"slices"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
)

// One transaction does at most this much, so that other tenants' writes get in between.
const (
	unlinkStep = 1000 // conversations unlinked
	sweepStep  = 100  // turns removed
)

// Delete implements [storage.Storage]. It unlinks what the scope names: nobody can read or write
// it any more. Then it removes that in small steps. What a crash or the end of ctx leaves is
// removed by a repeat, or later by the janitor.
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

// purge ends the call's incarnation, which unlinks all its conversations. A named incarnation
// stays ended, also if it had not begun.
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

// unlink unlinks conversations of an incarnation that goes on, unlinkStep in a transaction.
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

// sparedBy returns an SQL condition that is true for conversations c which Scope.Before does not
// spare, and its arguments.
func sparedBy(scope storage.Scope, now int64) (string, []any) {
	if scope.Before.IsZero() {
		return "", nil
	}
	before := clampTime(scope.Before)
	return ` AND c.updated_day <= ? AND c.updated_at < ? AND (c.running = 0 OR
		max(c.lease_until, coalesce((SELECT until FROM holders h WHERE h.holder = c.holder), 0)) <= ?)`, []any{day(before), before, now}
}

// unlinked selects conversations that were unlinked before a time: those of the call's
// incarnation, narrowed by its conversation or user.
type unlinked struct {
	call   sdk.Call
	owned  bool // the conversation only if it was the user's
	before int64
}

// sweep removes unlinked conversations with their turns, and counts them. A limit other than 0
// bounds how many turns it removes.
func (s *Store) sweep(ctx context.Context, r unlinked, limit int) (d storage.Deleted, err error) {
	for {
		step := int64(sweepStep)
		if limit > 0 {
			step = min(step, int64(limit)-d.Turns)
		}
		var now storage.Deleted // what this step removed
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

// remove removes up to that many turns.
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
		// Sequences have no gaps, so the turns that are left have the lowest.
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

// next returns one of the conversations and how many turns of it are left. The id is 0 if there
// is none.
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
		// A conversation is unlinked if it is marked itself or if its incarnation is.
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

// markSwept records that nothing is left of ended incarnations, if r selects all of the tenant.
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
