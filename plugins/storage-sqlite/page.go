package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/botyard/botyard/sdk/storage"
)

// Read implements [storage.Storage]. A page has fewer turns than req.Limit if the turns are large.
func (s *Store) Read(ctx context.Context, req *storage.ReadRequest) (*storage.TurnPage, error) {
	if err := req.ValidateText(); err != nil {
		return nil, err
	}
	only := " AND t.state = 'succeeded'"
	if req.All {
		only = ""
	}
	var rows []turnRow
	page := &storage.TurnPage{}
	err := s.read(ctx, func(tx *session) error {
		c, err := findOwned(tx, req.Call, req.Owned)
		if err != nil {
			return err
		}
		if c == nil {
			return notFound()
		}
		var size storage.PageBytes
		full := false
		return tx.each(func(r *sql.Rows) (bool, error) {
			if page.More = len(rows) == req.Limit || full; page.More {
				return false, nil
			}
			var t turnRow
			err := t.scan(r)
			rows = append(rows, t)
			full = size.Full(t.size())
			return true, err
		}, "SELECT "+turnColumns+turnTables+" WHERE t.conversation = ? AND t.sequence > ?"+only+
			" ORDER BY t.sequence LIMIT ?", c.id, req.After, req.Limit+1)
	})
	if err != nil {
		return nil, err
	}
	page.Turns = make([]storage.Turn, len(rows))
	for i := range rows {
		if page.Turns[i], err = rows[i].decode(); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// List implements [storage.Storage].
func (s *Store) List(ctx context.Context, req *storage.ListRequest) (*storage.ConversationPage, error) {
	if err := req.ValidateText(); err != nil {
		return nil, err
	}
	const rest, of = ` c.user, c.turns - c.retracted, c.created_at, c.updated_at, c.incarnation, c.branch_of, c.branch_at, `, ` FROM conversations c
		WHERE c.life = ?1 AND c.deleted_at IS NULL AND c.name > ?2`
	query := "SELECT c.name," + rest + "0" + of
	switch {
	case req.Wrote:
		query = "SELECT c.name," + rest + "EXISTS (SELECT 1 FROM writers w WHERE w.conversation = c.id)" + of + ` AND c.user = ?4
			UNION ALL SELECT w.name,` + rest + `1 FROM writers w JOIN conversations c ON c.id = w.conversation AND c.deleted_at IS NULL
			WHERE w.life = ?1 AND w.user = ?4 AND w.name > ?2`
	case req.Call.User != "":
		query += " AND c.user = ?4"
	}
	page := &storage.ConversationPage{}
	err := s.read(ctx, func(tx *session) error {
		life, err := incarnationID(tx, req.Call)
		if err != nil || life == 0 {
			return err
		}
		args := []any{life, req.After, req.Limit + 1}
		if req.Call.User != "" {
			args = append(args, req.Call.User)
		}
		return tx.each(func(r *sql.Rows) (bool, error) {
			if page.More = len(page.Conversations) == req.Limit; page.More {
				return false, nil
			}
			var c storage.Conversation
			var created, updated int64
			err := r.Scan(&c.ID, &c.User, &c.Turns, &created, &updated, &c.Incarnation, &c.BranchOf, &c.BranchAt, &c.Shared)
			c.CreatedAt, c.UpdatedAt = timeOf(created), timeOf(updated)
			page.Conversations = append(page.Conversations, c)
			return true, err
		}, query+" ORDER BY 1 LIMIT ?3", args...)
	})
	return page, err
}
