package sqlitestore

import (
	"context"
	"math"
	"slices"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
)

// One transaction takes so much at most, so that other tenants' writes get in between.
const (
	unlinkStep = 1000 // conversations put out of reach
	sweepStep  = 100  // turns removed
)

// Delete implements [storage.Storage]. It puts out of reach what the scope names, and
// then removes that in small steps. What a crash or the end of ctx leaves over is
// removed by a repeat, or in the background after some time.
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
		emptied, err = s.empty(ctx, scope)
	}
	if err != nil {
		return storage.Deleted{Emptied: emptied}, err
	}
	d, err := s.sweep(ctx, remains{call: call, owned: scope.Owned, before: math.MaxInt64}, scope.Limit)
	d.Emptied = emptied
	if d.Turns+d.Emptied > 0 && !d.More {
		s.janitor.scrub()
	}
	return d, err
}

// purge ends the life of the call, and with it the reach of all that it owns. A life
// that has a name stays ended, whether it had begun or not.
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

// unlink puts conversations of a living life out of reach: up to unlinkStep at once.
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
			n, err = tx.exec("UPDATE conversations SET deleted_at = ? WHERE id IN (SELECT c.id "+living+only+old+" LIMIT ?)", all...)
			return err
		})
		if err != nil || n < unlinkStep {
			return err
		}
	}
}

// sparedBy is the condition that conversations c are not spared by the scope's time, and its
// arguments.
func sparedBy(scope storage.Scope, now int64) (string, []any) {
	if scope.Before.IsZero() {
		return "", nil
	}
	before := within(scope.Before)
	return ` AND c.updated_day <= ? AND c.updated_at < ? AND (c.running = 0 OR
		max(c.lease_until, coalesce((SELECT until FROM holders h WHERE h.holder = c.holder), 0)) <= ?)`, []any{day(before), before, now}
}

// remains are conversations that are out of reach: of the call's life, narrowed by its
// conversation or user, since some time ago.
type remains struct {
	call   sdk.Call
	owned  bool // the conversation only if it was the user's
	before int64
}

// sweep removes what remains, about limit turns of it if that is not 0, and counts.
func (s *Store) sweep(ctx context.Context, r remains, limit int) (d storage.Deleted, err error) {
	for {
		step := int64(sweepStep)
		if limit > 0 {
			step = min(step, int64(limit)-d.Turns)
		}
		var now storage.Deleted // of this step
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

// remove removes up to so many turns.
func (r remains) remove(tx *session, turns int64) (d storage.Deleted, err error) {
	for {
		id, left, err := r.next(tx)
		if err != nil {
			return d, err
		}
		if id == 0 {
			return d, r.settle(tx)
		}
		if d.Turns == turns {
			d.More = true
			return d, nil
		}
		n := min(left, turns-d.Turns)
		// Sequences have no gaps: what is left of them are the lowest.
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

// next is one of the conversations and how many turns of it are left; 0 for none.
func (r remains) next(tx *session) (id, left int64, err error) {
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
		// Those that were put out of reach themselves, and those whose life was.
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

// settle notes that nothing is left of ended lives, if all of the tenant was looked at.
func (r remains) settle(tx *session) error {
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
