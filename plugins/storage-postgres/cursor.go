package pgstore

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// cursorRows is what the statement cursor reads during a Begin. The zero value is that of a
// conversation without a cursor.
type cursorRows struct {
	sequence    int64
	retractions []storage.Retraction
}

// read reads the rows of the statement cursor. If the pipeline is run again, read is called again and
// overwrites the first result.
func (c *cursorRows) read(rows pgx.Rows) error {
	*c = cursorRows{}
	for rows.Next() {
		var sequence, from, to *int64
		if err := rows.Scan(&c.sequence, &sequence, &from, &to); err != nil {
			return err
		}
		if sequence != nil {
			c.retractions = append(c.retractions, storage.Retraction{Sequence: *sequence, From: *from, To: *to})
		}
	}
	return rows.Err()
}

var claimKinds = map[storage.ClaimKind]string{storage.ClaimAll: "all", storage.ClaimForget: "forget", storage.ClaimWork: "work"}

// Claim implements [storage.CursorStore]. If it drops the cursors of a store key to make room for
// another one, it does so in several transactions, each of which drops some of them.
func (s *Store) Claim(ctx context.Context, req *storage.ClaimRequest) (*storage.ClaimResult, error) {
	if err := req.ValidateText(); err != nil {
		return nil, err
	}
	var conversation any
	if req.Call.Conversation != "" {
		conversation = req.Call.Conversation
	}
	args := []any{req.Call.Incarnation, conversation, req.StoreKey, req.Holder, min(req.Lease, maxLease), int32(req.Limit), claimKinds[req.Kind], int32(sdk.MaxStoreKeys)}
	for {
		var result *claimRows
		err := s.run(ctx, scope{tenant: req.Call.Tenant}, query{s.calls.claim, args, func(rows pgx.Rows) (err error) {
			result, err = readClaim(rows)
			return err
		}})
		switch {
		case err != nil:
			return nil, err
		case result == nil:
			return nil, errEnded()
		case !result.full:
			return &result.ClaimResult, nil
		case result.Held:
			return nil, fault.New(fault.Conflict, "others hold cursors of all %d store keys that the tenant may have", sdk.MaxStoreKeys).
				At("store_key").After(time.Second)
		}
	}
}

// claimRows is what the database function claim returned.
type claimRows struct {
	storage.ClaimResult
	// full says that there is no room for a new store key. If Held is true, somebody holds cursors of every
	// other store key. If it is false, the function has dropped some cursors, and must be called again.
	full bool
}

// readClaim returns the result of the rows that the database function returned. It returns nil if
// there are no rows, because the incarnation of the tenant has then ended.
func readClaim(rows pgx.Rows) (result *claimRows, err error) {
	for rows.Next() {
		var forget, more, held *bool
		var id, user *string
		var cid, sequence *int64
		var created *time.Time
		var data []byte
		if err := rows.Scan(&forget, &id, &cid, &created, &user, &sequence, &data, &more, &held); err != nil {
			return nil, err
		}
		if result == nil {
			result = &claimRows{}
		}
		if forget == nil { // the last row
			result.Held, result.full = *held, more == nil
			result.More = more != nil && *more
			continue
		}
		c := storage.Claimed{Conversation: *id, Forget: *forget, User: *user, Sequence: *sequence}
		if len(data) > 0 {
			c.Data = data
		}
		if created != nil {
			c.Incarnation = incarnation(*cid, *created)
		}
		result.Claimed = append(result.Claimed, c)
	}
	return result, rows.Err()
}

// Advance implements [storage.CursorStore].
func (s *Store) Advance(ctx context.Context, req *storage.AdvanceRequest) error {
	if err := req.ValidateText(); err != nil {
		return err
	}
	var cid int64
	var created, lease any // NULL is no conversation, and gives the claim up
	if req.Call.Conversation != "" {
		at, ok := time.Time{}, false
		if cid, at, ok = parseIncarnation(req.Incarnation); !ok {
			return errDeleted()
		}
		created = at
	}
	if req.Lease > 0 {
		lease = min(req.Lease, maxLease)
	}
	args := []any{req.Call.Incarnation, req.Call.Conversation, cid, created, req.StoreKey, req.Holder, req.Sequence, nonNil(req.Data), lease,
		req.Forgotten, req.User}
	var kind string
	err := s.run(ctx, scope{tenant: req.Call.Tenant}, query{s.calls.advance, args, func(rows pgx.Rows) error {
		if !rows.Next() {
			return noRow(rows, "advance")
		}
		return rows.Scan(&kind)
	}})
	switch {
	case err != nil:
		return err
	case kind == "gone":
		return errDeleted()
	case kind == "lost":
		return fault.New(fault.Conflict, "another holder has the claim, or nobody").At("holder")
	}
	return nil
}

func errDeleted() error {
	return fault.New(fault.NotFound, "the conversation was deleted, and its cursor must be forgotten")
}
