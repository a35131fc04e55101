package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// A transaction of a Branch copies at most so many turns, and ends with the turn that makes it so many
// bytes.
const (
	branchStep  = 100
	branchBytes = 2 << 20
	branchTries = 3 // how often a Branch begins again because its source has changed
)

var _ storage.Brancher = (*Store)(nil)

// Branch implements [storage.Brancher]. It copies the turns into a conversation that is marked as
// deleted, in small transactions, so that other writes need not wait for long. The last transaction
// removes the mark. What a crash leaves is removed like other deleted conversations.
func (s *Store) Branch(ctx context.Context, req *storage.BranchRequest) (*storage.BranchResult, error) {
	if err := req.ValidateText(); err != nil {
		return nil, err
	}
	for range branchTries {
		b := branchRun{BranchRequest: req}
		for b.result == nil && !b.changed {
			var next branchRun
			err := s.write(ctx, func(tx *session) error {
				// The writer may run this function again, which must then begin with the same state.
				next = b
				if next.copy == nil {
					return next.start(tx, s.now().UnixNano())
				}
				return next.step(tx)
			})
			if err != nil {
				return nil, err
			}
			b = next
		}
		if b.result != nil {
			return b.result, nil
		}
	}
	return nil, fault.New(fault.Conflict, "the conversation changes while it is copied").At("source").After(busyRetryAfter)
}

// branchRun executes a Branch in several transactions.
type branchRun struct {
	*storage.BranchRequest
	source  *conversation
	through int64         // number of the last turn to copy, or 0 for none
	last    int64         // its sequence
	copy    *conversation // marked as deleted; nil before the first transaction
	after   int64         // sequence of the turn of the source that was copied last
	changed bool          // the copy must begin again
	result  *storage.BranchResult
}

// start checks whether the branch can be made, makes a conversation for it, and copies the first
// turns.
func (b *branchRun) start(tx *session, now int64) error {
	life, err := ensureIncarnation(tx, b.Call)
	if err != nil {
		return err
	}
	if made, err := b.existing(tx); made || err != nil {
		return err
	}
	call := b.Call
	call.Conversation = b.Source
	if b.source, err = findOwned(tx, call, b.Owned); err != nil {
		return err
	}
	if b.source == nil {
		return notFound()
	}
	if err := b.findLast(tx); err != nil {
		return err
	}
	c := &conversation{incarnation: newToken(), user: b.Call.User}
	_, err = tx.get([]any{&c.id}, `INSERT INTO conversations (life, name, incarnation, user, created_at, updated_at, updated_day, sequence, turns, deleted_at,
		branch_of, branch_source, branch_at) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, ?) RETURNING id`,
		life, b.Call.Conversation, c.incarnation, c.user, now, now, day(now), now, b.Source, b.source.incarnation, b.through)
	if err != nil {
		return err
	}
	b.copy = c
	return b.step(tx)
}

// existing sets the result if the call's conversation is the branch already. It returns
// fault.Conflict if the conversation is another one.
func (b *branchRun) existing(tx *session) (bool, error) {
	c, err := findConversation(tx, b.Call)
	if c == nil || err != nil {
		return false, err
	}
	var of string
	var at, turns int64
	if _, err := tx.get([]any{&of, &at, &turns}, "SELECT branch_of, branch_at, branch_turns FROM conversations WHERE id = ?", c.id); err != nil {
		return false, err
	}
	if of != b.Source || b.Through > 0 && b.Through != at || b.Owned && c.user != b.Call.User {
		return false, fault.New(fault.Conflict, "the conversation exists already").At("conversation")
	}
	b.result = &storage.BranchResult{Turns: turns, Incarnation: c.incarnation, Through: at}
	return true, nil
}

// findLast sets through and last. It reads the numbers of at most sdk.MaxBranchTurns turns and one.
func (b *branchRun) findLast(tx *session) error {
	n := 0
	err := tx.each(func(r *sql.Rows) (bool, error) {
		var sequence, number int64
		if err := r.Scan(&sequence, &number); err != nil || b.Through > 0 && number > b.Through {
			return false, err
		}
		b.last, b.through = sequence, number
		n++
		return n <= sdk.MaxBranchTurns, nil
	}, "SELECT sequence, number FROM turns WHERE conversation = ? AND state = 'succeeded' ORDER BY sequence", b.source.id)
	switch {
	case err != nil:
		return err
	case n > sdk.MaxBranchTurns:
		return fault.New(fault.Invalid, "more than %d turns would be copied; take a smaller number, or a shorter conversation", sdk.MaxBranchTurns).At("through")
	case b.Through > 0 && b.through != b.Through:
		return noSuchTurn(b.Through).At("through")
	}
	return nil
}

// step copies some turns. After the last turn it finishes the branch.
func (b *branchRun) step(tx *session) error {
	if same, err := b.unchanged(tx); err != nil || !same {
		b.changed = true
		return err
	}
	sequences, err := b.next(tx)
	if err != nil {
		return err
	}
	to := *b.copy
	for _, sequence := range sequences {
		to.sequence++
		_, err := tx.exec(`INSERT INTO turns (conversation, sequence, number, state, user, started_at, ended_at, key, input_tokens, output_tokens,
			cached_input_tokens, reasoning_tokens, usage, messages, metadata, record, message, replies, body, reply_bodies)
			SELECT ?1, ?2, ?2, state, user, started_at, ended_at, key, input_tokens, output_tokens,
			cached_input_tokens, reasoning_tokens, usage, messages, metadata, record, message, replies, body, reply_bodies
			FROM turns WHERE conversation = ?3 AND sequence = ?4`, to.id, to.sequence, b.source.id, sequence)
		if err != nil {
			return err
		}
		b.after = sequence
	}
	b.copy = &to
	if b.after < b.last {
		if len(sequences) == 0 { // the turns up to the last one were retracted
			return noSuchTurn(b.through).At("through")
		}
		_, err = tx.exec("UPDATE conversations SET sequence = ?1, turns = ?1 WHERE id = ?2", to.sequence, to.id)
		return err
	}
	return b.finish(tx)
}

// unchanged reports whether the source and the copy are as the step before has left them. The source
// may have more turns, but none may have been emptied, because the copy would keep what was deleted.
func (b *branchRun) unchanged(tx *session) (bool, error) {
	var emptied int64
	found, err := tx.get([]any{&emptied}, `SELECT c.emptied FROM conversations c JOIN lives l ON l.id = c.life
		WHERE c.id = ? AND c.incarnation = ? AND c.deleted_at IS NULL AND l.deleted_at IS NULL`, b.source.id, b.source.incarnation)
	if err != nil || !found || emptied != b.source.emptied {
		return false, err
	}
	return tx.get([]any{new(int64)}, "SELECT 1 FROM conversations WHERE id = ? AND incarnation = ? AND sequence = ?",
		b.copy.id, b.copy.incarnation, b.copy.sequence)
}

// next returns the sequences of the turns that the step copies.
func (b *branchRun) next(tx *session) (sequences []int64, err error) {
	bytes := 0
	err = tx.each(func(r *sql.Rows) (bool, error) {
		var sequence int64
		var size int
		err := r.Scan(&sequence, &size)
		sequences = append(sequences, sequence)
		bytes += size
		return bytes < branchBytes, err
	}, `SELECT sequence, coalesce(octet_length(body), 0) + coalesce(octet_length(reply_bodies), 0) + coalesce(octet_length(message), 0) + coalesce(octet_length(replies), 0)
		FROM turns WHERE conversation = ? AND state = 'succeeded' AND sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?`,
		b.source.id, b.after, b.last, branchStep)
	return sequences, err
}

// finish makes the copy visible. The transaction has copied the last turn, which was not retracted, and
// so neither were those before it.
func (b *branchRun) finish(tx *session) error {
	if made, err := b.existing(tx); made || err != nil {
		return err
	}
	_, err := tx.exec("UPDATE conversations SET sequence = ?1, turns = ?1, branch_turns = ?1, deleted_at = NULL WHERE id = ?2", b.copy.sequence, b.copy.id)
	if err != nil {
		return err
	}
	// Followers have passed the conversation while it was marked as deleted.
	_, err = tx.exec("UPDATE followers SET mark = ?1 - 1 WHERE life = (SELECT life FROM conversations WHERE id = ?1) AND mark >= ?1", b.copy.id)
	b.result = &storage.BranchResult{Turns: b.copy.sequence, Incarnation: b.copy.incarnation, Through: b.through}
	return err
}
