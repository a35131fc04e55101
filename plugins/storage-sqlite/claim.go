package sqlitestore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/botyard/botyard/sdk/storage"
)

var _ storage.CursorStore = (*Store)(nil)

// Claim implements [storage.CursorStore]. The first Claim of a store key registers all conversations
// of the tenant, and may drop the cursors of another store key. Each transaction does a part, so that
// other writes need not wait for long.
func (s *Store) Claim(ctx context.Context, req *storage.ClaimRequest) (*storage.ClaimResult, error) {
	if err := req.ValidateText(); err != nil {
		return nil, err
	}
	for {
		var c *claimRun
		err := s.write(ctx, func(tx *session) error {
			now := s.now()
			c = &claimRun{ClaimRequest: req, now: now.UnixNano(), until: after(now, req.Lease), result: &storage.ClaimResult{}}
			return c.run(tx)
		})
		if err != nil {
			return nil, err
		}
		if !c.again {
			return c.result, nil
		}
	}
}

// claimRun executes a Claim in a transaction and stores its result. What the holder has claimed in an
// earlier transaction of the same Claim, it finds as claimed by the holder.
type claimRun struct {
	*storage.ClaimRequest
	now, until int64
	follower   *follower // nil if the store key has no row, or the incarnation of the tenant was deleted
	result     *storage.ClaimResult
	again      bool // the transaction registered some conversations or dropped some cursors, and another one must go on
}

func (c *claimRun) run(tx *session) error {
	if c.Kind == storage.ClaimWork {
		return c.work(tx)
	}
	life, err := incarnationID(tx, c.Call)
	if err != nil {
		return err
	}
	if life == 0 && c.Call.Incarnation == "" { // such a tenant may begin again, and its memory may have data from before
		lost, err := c.lost(tx)
		if err == nil && lost {
			life, err = ensureIncarnation(tx, c.Call)
		}
		if err != nil {
			return err
		}
	}
	if life != 0 {
		if err := c.know(tx, life); err != nil || c.again {
			return err
		}
	}
	everything, err := c.hasAll(tx, c.StoreKey)
	if err != nil {
		return err
	}
	if err := c.take(tx, c.forgets(everything)); err != nil || c.follower == nil || everything || c.Kind == storage.ClaimForget {
		return err
	}
	if c.Call.Conversation != "" {
		return c.takeOne(tx)
	}
	forgets := len(c.result.Claimed)
	if err := c.take(tx, c.cursors()); err != nil || c.result.More {
		return err
	}
	added, more, err := c.follower.register(tx)
	if !added || err != nil {
		return err
	}
	c.result.Claimed = c.result.Claimed[:forgets] // the others are found again
	err = c.take(tx, c.cursors())
	c.again = more && !c.result.More
	return err
}

// takeOne claims the cursor of the call's conversation.
func (c *claimRun) takeOne(tx *session) error {
	talk, err := findConversation(tx, c.Call)
	if err != nil || talk == nil {
		return err
	}
	if err := c.follower.registerOne(tx, talk.id); err != nil {
		return err
	}
	one := c.cursors()
	one.only, one.args = one.only+" AND x.conversation = ?", append(one.args, talk.id)
	one.held, one.free = "cursors_conversation", "cursors_conversation"
	return c.take(tx, one)
}

// claimable selects rows that can be claimed from a table, which the SQL names x.
type claimable struct {
	columns     string // conversation, incarnation, user, and whether the row cannot be claimed now
	columnsArgs []any
	table       string
	held, free  string // the indexes that find what a holder has claimed, and by time what is free
	only        string // the rest of FROM, and the condition
	args        []any
	update      string // claims a row; its arguments are the holder, the end of the claim, and the row's id
	forget      bool
}

// forgets selects what must be forgotten. What must be forgotten of a user cannot be claimed while
// another holder has the cursor of the conversation. everything says that all data of the tenant must
// be forgotten. forgets then selects what must be forgotten of every conversation, and not only of the
// call's conversation.
func (c *claimRun) forgets(everything bool) claimable {
	f := claimable{
		columns: `x.conversation, x.incarnation, x.user, x.user <> '' AND EXISTS (SELECT 1 FROM conversations c JOIN cursors k ON k.conversation = c.id
			WHERE c.life = ? AND c.name = x.conversation AND c.deleted_at IS NULL AND c.incarnation = x.incarnation AND k.follower = ? AND k.until > ? AND k.holder <> ?)`,
		columnsArgs: []any{0, 0, c.now, c.Holder},
		table:       "forgets", held: "forgets_held", free: "forgets_free",
		only:   " WHERE x.tenant = ? AND x.life = ? AND x.store_key = ?",
		args:   []any{c.Call.Tenant, c.Call.Incarnation, c.StoreKey},
		update: "UPDATE forgets SET holder = ?, until = ? WHERE id = ?",
		forget: true,
	}
	if c.follower != nil {
		f.columnsArgs[0], f.columnsArgs[1] = c.follower.life, c.follower.id
	}
	if c.Call.Conversation != "" && !everything {
		f.only, f.args = f.only+" AND x.conversation = ?", append(f.args, c.Call.Conversation)
		f.held, f.free = "forgets_of", "forgets_of"
	}
	return f
}

// cursors selects the follower's cursors that are behind.
func (c *claimRun) cursors() claimable {
	return claimable{
		columns: "c.name, c.incarnation, c.user, 0",
		table:   "cursors", held: "cursors_held", free: "cursors_free",
		only:   " JOIN conversations c ON c.id = x.conversation WHERE x.follower = ? AND x.behind = 1",
		args:   []any{c.follower.id},
		update: "UPDATE cursors SET claimed = 1, holder = ?, until = ? WHERE id = ?",
	}
}

// query returns the SQL that selects columns of the rows, which the index finds.
func (r claimable) query(columns, index string) string {
	return "SELECT " + columns + " FROM " + r.table + " x INDEXED BY " + index + r.only
}

// take claims rows, first those that the holder has claimed already, and adds them to the result.
func (c *claimRun) take(tx *session, from claimable) error {
	var ids []int64
	for _, part := range []struct {
		index, only string
		args        []any
	}{
		{from.held, " AND x.holder = ? AND x.until > ?", []any{c.Holder, c.now}},
		{from.free, " AND x.until <= ?", []any{c.now}},
	} {
		err := tx.each(func(rows *sql.Rows) (bool, error) {
			t := storage.Claimed{Forget: from.forget}
			var id int64
			var held bool
			if err := rows.Scan(&id, &t.Sequence, &t.Data, &t.Conversation, &t.Incarnation, &t.User, &held); err != nil {
				return false, err
			}
			switch {
			case held:
				c.result.Held = true
			case len(c.result.Claimed) == c.Limit:
				c.result.More = true
			default:
				c.result.Claimed, ids = append(c.result.Claimed, t), append(ids, id)
			}
			return !c.result.More, nil
		}, from.query("x.id, x.sequence, x.data, "+from.columns, part.index)+part.only, slices.Concat(from.columnsArgs, from.args, part.args)...)
		if err != nil {
			return err
		}
	}
	for _, id := range ids {
		if _, err := tx.exec(from.update, c.Holder, c.until, id); err != nil {
			return err
		}
	}
	if c.result.Held {
		return nil
	}
	held, err := tx.get([]any{new(int64)}, from.query("1", from.free)+" AND x.until > ? AND x.holder <> ? LIMIT 1", append(from.args, c.now, c.Holder)...)
	c.result.Held = held
	return err
}

// work claims the tenant's own cursor.
func (c *claimRun) work(tx *session) error {
	life, err := ensureIncarnation(tx, c.Call)
	if err != nil {
		return err
	}
	if err := c.know(tx, life); err != nil || c.again {
		return err
	}
	if c.result.Held, err = c.hasAll(tx, c.StoreKey); c.result.Held || err != nil {
		return err
	}
	var t storage.Claimed
	n, err := tx.exec("UPDATE followers SET holder = ?, until = ? WHERE id = ? AND (until <= ? OR holder = ?)", c.Holder, c.until, c.follower.id, c.now, c.Holder)
	if c.result.Held = n == 0; c.result.Held || err != nil {
		return err
	}
	_, err = tx.get([]any{&t.Sequence, &t.Data}, "SELECT sequence, data FROM followers WHERE id = ?", c.follower.id)
	c.result.Claimed = []storage.Claimed{t}
	return err
}
