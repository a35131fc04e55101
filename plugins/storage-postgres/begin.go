package pgstore

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// Begin implements [storage.Storage]. It tries the fast path first, and otherwise calls the
// database function.
func (s *Store) Begin(ctx context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	if err := req.ValidateText(); err != nil {
		return nil, err
	}
	message := storeFirst(req.Messages)
	if res, err := s.beginFast(ctx, req, message); res != nil || err != nil {
		return res, err
	}
	call := req.Call
	var key, digest, attempt any
	if req.Key != "" {
		// An empty digest must not become NULL, because the database function replays no turn for a
		// NULL digest.
		key, digest = req.Key, append([]byte{}, req.Digest...)
	}
	if req.Attempt != "" {
		attempt = req.Attempt
	}
	args := []any{call.Incarnation, call.Conversation, call.User, message.texts, object(req.Metadata),
		req.Holder, min(req.Lease, maxLease), key, digest, attempt, req.Owned, message.bodies, int32(len(req.Messages)), req.RetractFrom}
	var row beginRow
	queries := []query{{s.calls.begin, args, row.read}}
	if req.Tail > 0 {
		// A second statement reads the tail, because only a statement of its own sees turns that were
		// committed while the function waited for the lock of the row. It returns no rows if the
		// function has not started a turn.
		of := []any{int64(req.Tail), int64(req.TailBytesOrDefault()), call.Incarnation, call.Conversation, attempt}
		queries = append(queries, query{s.calls.tailOf, of, row.tail.read})
	}
	if req.CursorKey != "" {
		of := []any{call.Incarnation, req.CursorKey, int64(sdk.MaxRetractions), call.Conversation, attempt}
		queries = append(queries, query{s.calls.cursorOf, of, row.cursor.read})
	}
	if err := s.run(ctx, scope{tenant: call.Tenant}, queries...); err != nil {
		return nil, err
	}
	return s.beginResult(req, &row)
}

// beginResult returns the result for the row that the database function returned.
func (s *Store) beginResult(req *storage.BeginRequest, b *beginRow) (*storage.BeginResult, error) {
	switch b.kind {
	case "replay":
		t, err := b.turn.turn()
		return &storage.BeginResult{Replay: &t}, err
	case "busy", "busy_same":
		return &storage.BeginResult{Busy: &storage.Busy{SameKey: b.kind == "busy_same"}}, nil
	case "reused":
		return &storage.BeginResult{KeyReused: true}, nil
	case "ended":
		return nil, errEnded()
	case "missing":
		return nil, errMissing()
	case "many":
		return nil, fault.New(fault.Invalid, "more than %d turns would be retracted; take a greater number", sdk.MaxRetractTurns).At("retract_from")
	case "unretractable":
		return nil, fault.New(fault.Conflict, "no turn of the conversation has the number %d, or it is retracted already", req.RetractFrom).At("retract_from")
	}
	ref := conversationRef{cid: *b.cid, incarnation: incarnation(*b.cid, *b.created)}
	s.refs.Add(keyOf(req.Call), ref)
	return ref.started(*b.turn.sequence, &b.tail, &b.cursor)
}

// beginRow is the row that the database function returns for a Begin, with the tail and the
// cursor that further statements have read.
type beginRow struct {
	kind    string
	cid     *int64
	turn    turnRow
	created *time.Time // of the conversation
	tail    tailRows
	cursor  cursorRows
}

// read reads the row. If the pipeline is run again, read is called again and overwrites the first
// result.
func (b *beginRow) read(rows pgx.Rows) error {
	b.kind, b.cid, b.turn, b.created = "", nil, turnRow{}, nil
	into := append(append([]any{&b.kind, &b.cid}, b.turn.columns()...), &b.created)
	if !rows.Next() {
		return noRow(rows, "begin")
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	return rows.Err()
}
