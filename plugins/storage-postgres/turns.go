package pgstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

const maxLease = 1000 * 24 * time.Hour // keeps times within what Postgres knows

// Begin implements [storage.Storage].
func (s *Store) Begin(ctx context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	if err := req.ValidateText(); err != nil {
		return nil, err
	}
	message, err := encode(req.Message)
	if err != nil {
		return nil, err
	}
	if res, err := s.beginKnown(ctx, req, message); res != nil || err != nil {
		return res, err
	}
	call := req.Call
	var key, digest, attempt any
	if req.Key != "" {
		key, digest = req.Key, slices.Concat(req.Digest) // not nil: NULL would replay nothing
		if req.Digest == nil {
			digest = []byte{}
		}
	}
	if req.Attempt != "" {
		attempt = req.Attempt
	}
	args := []any{call.Incarnation, call.Conversation, call.User, message, object(req.Metadata), int32(0),
		req.Holder, min(req.Lease, maxLease), key, digest, attempt, req.Owned}
	var answer beginning
	queries := []query{{s.calls.begin, args, answer.read}}
	if req.Tail > 0 {
		// The function could read it too, and not stop at a number of bytes. There is none
		// where the turn did not start.
		of := []any{int64(req.Tail), int64(req.TailBytesOrDefault()), call.Incarnation, call.Conversation, attempt}
		queries = append(queries, query{s.calls.tailOf, of, answer.tail.read})
	}
	if err := s.run(ctx, scope{tenant: call.Tenant}, queries...); err != nil {
		return nil, err
	}
	return s.began(req, &answer)
}

// began makes a result of the function's answer.
func (s *Store) began(req *storage.BeginRequest, b *beginning) (*storage.BeginResult, error) {
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
	}
	messages, err := b.tail.messages(req.Tail)
	if err != nil {
		return nil, err
	}
	s.known.Add(placeOf(req.Call), *b.cid)
	return &storage.BeginResult{Started: &storage.Started{
		Sequence: *b.turn.sequence, Fence: fence(*b.cid, *b.turn.sequence), Tail: messages, TailCut: b.tail.cut}}, nil
}

// beginning is the function's answer to a Begin.
type beginning struct {
	kind string
	cid  *int64
	turn turnRow
	tail newest
}

// read reads what became of it.
func (b *beginning) read(rows pgx.Rows) error {
	b.kind, b.cid, b.turn = "", nil, turnRow{}
	into := append([]any{&b.kind, &b.cid}, b.turn.columns()...)
	if !rows.Next() {
		return unanswered(rows, "begin")
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	return rows.Err()
}

// Commit implements [storage.Storage].
func (s *Store) Commit(ctx context.Context, req *storage.CommitRequest) (int64, error) {
	if err := req.ValidateText(); err != nil {
		return 0, err
	}
	cid, sequence, ok := parseFence(req.Fence)
	if !ok {
		return 0, errStale()
	}
	replies, err := encodeList(req.Messages)
	if err != nil {
		return 0, err
	}
	usage, err := encodeUsage(req.Usage)
	if err != nil {
		return 0, err
	}
	call := req.Call
	args := []any{call.Incarnation, call.Conversation, cid, sequence, req.State.String(), req.Reason, replies,
		int32(len(req.Messages)), usage, object(req.Record)}
	if number, held, err := s.commitHeld(ctx, call.Tenant, cid, args); held || err != nil {
		return number, err
	}
	var kind string
	var number *int64
	var state *string
	err = s.run(ctx, scope{tenant: call.Tenant}, query{s.calls.commit, args, func(rows pgx.Rows) error {
		if !rows.Next() {
			return unanswered(rows, "commit")
		}
		return rows.Scan(&kind, &number, &state)
	}})
	switch {
	case err != nil:
		return 0, err
	case kind == "stale":
		return 0, errStale()
	case kind == "other":
		return 0, fault.New(fault.Conflict, "the turn has %s already", *state).At("state")
	}
	return *number, nil
}

// fence is what Commit must bring: the life of the conversation, by a number that no
// other has in this database, and the turn.
func fence(cid, sequence int64) string { return fmt.Sprintf("%d.%d", cid, sequence) }

func parseFence(fence string) (cid, sequence int64, ok bool) {
	a, b, ok := strings.Cut(fence, ".")
	if !ok {
		return 0, 0, false
	}
	cid, errA := strconv.ParseInt(a, 10, 64)
	sequence, errB := strconv.ParseInt(b, 10, 64)
	return cid, sequence, errA == nil && errB == nil && cid > 0 && sequence > 0
}

func errStale() error {
	return fault.New(fault.Conflict, "the fence does not hold the conversation").At("fence")
}

func errMissing() error { return fault.New(fault.NotFound, "there is no such conversation") }

func errEnded() error {
	return fault.New(fault.Conflict, "this life of the tenant was deleted")
}

// unanswered is a function of ours that gave no row.
func unanswered(rows pgx.Rows, what string) error {
	if err := rows.Err(); err != nil {
		return err
	}
	return fault.New(fault.Internal, "the database answered %s with nothing", what).By(fault.PartyPlugin)
}
