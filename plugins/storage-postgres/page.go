package pgstore

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// Read implements [storage.Storage].
func (s *Store) Read(ctx context.Context, req *storage.ReadRequest) (*storage.TurnPage, error) {
	if err := req.ValidateText(); err != nil {
		return nil, err
	}
	sql := s.calls.read
	if req.All {
		sql = s.calls.readAll
	}
	var page *storage.TurnPage
	args := []any{req.Call.Incarnation, req.Call.Conversation, req.After, int64(req.Limit), int64(sdk.MaxPageBytes), req.Owned, req.Call.User}
	err := s.run(ctx, scope{tenant: req.Call.Tenant, readOnly: true}, query{sql, args, func(rows pgx.Rows) error {
		var err error
		page, err = readPage(rows)
		return err
	}})
	if err == nil && page == nil {
		return nil, errMissing()
	}
	return page, err
}

// readPage returns the page of the rows. It returns nil if there are no rows, because the
// conversation then does not exist.
func readPage(rows pgx.Rows) (*storage.TurnPage, error) {
	var page *storage.TurnPage
	var over *bool
	var row turnRow
	into := append([]any{&over}, row.columns()...)
	for rows.Next() {
		if page == nil {
			page = &storage.TurnPage{}
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		// The conversation exists, and has no turns in the range of the page.
		if row.sequence == nil {
			break
		}
		if page.More = *over; page.More {
			break
		}
		t, err := row.turn()
		if err != nil {
			return nil, err
		}
		page.Turns = append(page.Turns, t)
	}
	return page, nil
}

// List implements [storage.Storage].
func (s *Store) List(ctx context.Context, req *storage.ListRequest) (*storage.ConversationPage, error) {
	if err := req.ValidateText(); err != nil {
		return nil, err
	}
	sql, args := s.calls.list, []any{req.Call.Incarnation, req.After, int64(req.Limit + 1)}
	switch {
	case req.Wrote:
		sql, args = s.calls.listWrote, append(args, req.Call.User)
	case req.Call.User != "":
		sql, args = s.calls.listUser, append(args, req.Call.User)
	}
	var page *storage.ConversationPage
	err := s.run(ctx, scope{tenant: req.Call.Tenant, readOnly: true}, query{sql, args, func(rows pgx.Rows) error {
		page = &storage.ConversationPage{}
		for rows.Next() {
			if len(page.Conversations) == req.Limit {
				page.More = true
				break
			}
			var c storage.Conversation
			var cid int64
			if err := rows.Scan(&c.ID, &cid, &c.User, &c.Turns, &c.CreatedAt, &c.UpdatedAt, &c.BranchOf, &c.BranchAt, &c.Shared); err != nil {
				return err
			}
			c.CreatedAt, c.UpdatedAt, c.Incarnation = c.CreatedAt.UTC(), c.UpdatedAt.UTC(), incarnation(cid, c.CreatedAt)
			page.Conversations = append(page.Conversations, c)
		}
		return nil
	}})
	return page, err
}
