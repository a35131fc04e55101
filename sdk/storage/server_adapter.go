package storage

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/internal/instances"
	"github.com/botyard/botyard/sdk/internal/wire"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
)

// server serves the instances of a plugin as StorageService.
type server struct {
	storagev1.UnimplementedStorageServiceServer
	set *instances.Set[Storage]
}

func (s *server) Begin(ctx context.Context, req *storagev1.BeginRequest) (*storagev1.BeginResponse, error) {
	v, done, err := s.set.Get(req.GetCall().GetInstance())
	if err != nil {
		return nil, err
	}
	defer done()
	in := &BeginRequest{
		Call: sdk.CallFromProto(req.Call), Messages: messagesFromProto(req.Messages), Metadata: req.Metadata,
		Tail: int(req.Tail), Holder: req.Holder, Lease: time.Duration(req.LeaseMs) * time.Millisecond,
		Key: req.Key, Digest: req.Digest, Attempt: req.Attempt, TailBytes: int(req.TailBytes), Owned: req.Owned,
		RetractFrom: req.RetractFrom, CursorKey: req.CursorKey,
	}
	r, err := v.Begin(ctx, in)
	if err != nil {
		return nil, err
	}
	if r.Started != nil {
		if resp, ok := encodeStarted(r.Started, in.TailBytesOrDefault()); ok {
			return resp, nil
		}
	}
	return beginToProto(r, in.TailBytesOrDefault())
}

func (s *server) Commit(ctx context.Context, req *storagev1.CommitRequest) (*storagev1.CommitResponse, error) {
	v, done, err := s.set.Get(req.GetCall().GetInstance())
	if err != nil {
		return nil, err
	}
	defer done()
	n, err := v.Commit(ctx, &CommitRequest{
		Call: sdk.CallFromProto(req.Call), Fence: req.Fence, State: State(req.State), Reason: req.Reason,
		Messages: messagesFromProto(req.Messages), Usage: req.Usage, Record: req.Record,
	})
	return &storagev1.CommitResponse{Number: n}, err
}

func (s *server) Read(ctx context.Context, req *storagev1.ReadRequest) (*storagev1.ReadResponse, error) {
	v, done, err := s.set.Get(req.GetCall().GetInstance())
	if err != nil {
		return nil, err
	}
	defer done()
	page, err := v.Read(ctx, &ReadRequest{Call: sdk.CallFromProto(req.Call), After: req.After, Limit: int(req.Limit), All: req.All, Owned: req.Owned})
	if err != nil {
		return nil, err
	}
	fit := pageEnd(page.Turns, Turn.Size)
	resp := &storagev1.ReadResponse{More: page.More || fit < len(page.Turns)}
	for _, t := range page.Turns[:fit] {
		resp.Turns = append(resp.Turns, turnToProto(t))
	}
	return resp, nil
}

func (s *server) List(ctx context.Context, req *storagev1.ListRequest) (*storagev1.ListResponse, error) {
	v, done, err := s.set.Get(req.GetCall().GetInstance())
	if err != nil {
		return nil, err
	}
	defer done()
	page, err := v.List(ctx, &ListRequest{Call: sdk.CallFromProto(req.Call), After: req.After, Limit: int(req.Limit), Wrote: req.Wrote})
	if err != nil {
		return nil, err
	}
	fit := pageEnd(page.Conversations, Conversation.Size)
	resp := &storagev1.ListResponse{More: page.More || fit < len(page.Conversations)}
	for _, c := range page.Conversations[:fit] {
		resp.Conversations = append(resp.Conversations, &storagev1.Conversation{
			Id: c.ID, User: c.User, Turns: c.Turns, CreatedAt: wire.Time(c.CreatedAt), UpdatedAt: wire.Time(c.UpdatedAt), Shared: c.Shared,
			Incarnation: c.Incarnation, BranchOf: c.BranchOf, BranchAt: c.BranchAt})
	}
	return resp, nil
}

func (s *server) Delete(ctx context.Context, req *storagev1.DeleteRequest) (*storagev1.DeleteResponse, error) {
	v, done, err := s.set.Get(req.GetCall().GetInstance())
	if err != nil {
		return nil, err
	}
	defer done()
	scope := Scope{Call: sdk.CallFromProto(req.Call), Tenant: req.Tenant, Owned: req.Owned, Before: wire.TimeFrom(req.Before), Limit: int(req.Limit)}
	if scope.Call.Conversation == "" && scope.Call.User == "" && !scope.Tenant {
		return nil, fault.New(fault.Invalid, "names neither conversation nor user, and is not said to mean the whole tenant").At("scope")
	}
	d, err := v.Delete(ctx, scope)
	return &storagev1.DeleteResponse{Conversations: d.Conversations, Turns: d.Turns, Emptied: d.Emptied, More: d.More}, err
}

func (s *server) Renew(ctx context.Context, req *storagev1.RenewRequest) (*storagev1.RenewResponse, error) {
	v, done, err := get[Renewer](s.set, req.GetCall(), "keeps no leases")
	if err != nil {
		return nil, err
	}
	defer done()
	return &storagev1.RenewResponse{}, v.Renew(ctx, req.Holders, time.Duration(req.LeaseMs)*time.Millisecond)
}

func (s *server) Import(ctx context.Context, req *storagev1.ImportRequest) (*storagev1.ImportResponse, error) {
	v, done, err := get[Importer](s.set, req.GetCall(), "imports nothing")
	if err != nil {
		return nil, err
	}
	defer done()
	in := &ImportRequest{Call: sdk.CallFromProto(req.Call), Turns: make([]Turn, len(req.Turns))}
	for i, t := range req.Turns {
		in.Turns[i] = turnFromProto(t)
	}
	n, err := v.Import(ctx, in)
	return &storagev1.ImportResponse{Turns: n}, err
}

func (s *server) Migrate(ctx context.Context, req *storagev1.MigrateRequest) (*storagev1.MigrateResponse, error) {
	v, done, err := get[Migrator](s.set, req.GetCall(), "has no schema version to migrate")
	if err != nil {
		return nil, err
	}
	defer done()
	m, err := v.Migrate(ctx, MigrateOptions{Contract: req.Contract})
	if err != nil {
		return nil, err
	}
	return &storagev1.MigrateResponse{SchemaVersion: int32(m.SchemaVersion), OldestVersion: int32(m.OldestVersion), Steps: m.Steps}, nil
}

func (s *server) Backup(ctx context.Context, req *storagev1.BackupRequest) (*storagev1.BackupResponse, error) {
	v, done, err := get[Backuper](s.set, req.GetCall(), "has no database of its own to copy")
	if err != nil {
		return nil, err
	}
	defer done()
	f, err := v.Backup(ctx, req.Folder)
	if err != nil {
		return nil, err
	}
	return &storagev1.BackupResponse{Path: f.Path, Bytes: f.Bytes}, nil
}

func turnToProto(t Turn) *storagev1.Turn {
	return &storagev1.Turn{
		Sequence: t.Sequence, Number: t.Number, State: storagev1.TurnState(t.State), Reason: t.Reason, User: t.User,
		Messages: messagesToProto(t.Messages), Usage: t.Usage, StartedAt: wire.Time(t.StartedAt),
		EndedAt: wire.Time(t.EndedAt), Metadata: t.Metadata, Record: t.Record, Key: t.Key, RetractFrom: t.RetractFrom, Retracted: t.Retracted,
	}
}

func turnFromProto(p *storagev1.Turn) Turn {
	return Turn{
		Sequence: p.Sequence, Number: p.Number, State: State(p.State), Reason: p.Reason, User: p.User,
		Messages: messagesFromProto(p.Messages), Usage: p.Usage, StartedAt: wire.TimeFrom(p.StartedAt),
		EndedAt: wire.TimeFrom(p.EndedAt), Metadata: p.Metadata, Record: p.Record, Key: p.Key, RetractFrom: p.RetractFrom, Retracted: p.Retracted,
	}
}

func messageFromProto(p *storagev1.StoredMessage) Message {
	return Message{Body: p.GetBody(), Text: p.GetText()}
}

// messagesToProto makes all messages of the list in one allocation.
func messagesToProto(messages []Message) []*storagev1.StoredMessage {
	if len(messages) == 0 {
		return nil
	}
	out, block := make([]*storagev1.StoredMessage, len(messages)), make([]storagev1.StoredMessage, len(messages))
	for i := range messages {
		block[i].Body, block[i].Text = messages[i].Body, messages[i].Text
		out[i] = &block[i]
	}
	return out
}

func messagesFromProto(all []*storagev1.StoredMessage) []Message {
	if len(all) == 0 {
		return nil
	}
	out := make([]Message, len(all))
	for i, p := range all {
		out[i] = messageFromProto(p)
	}
	return out
}
