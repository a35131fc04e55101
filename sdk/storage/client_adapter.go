package storage

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/internal/wire"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Client calls a storage instance in a plugin process. Any number of goroutines may use a Client.
type Client struct {
	conn     grpc.ClientConnInterface
	rpc      storagev1.StorageServiceClient
	instance string
}

var (
	_ Storage     = (*Client)(nil)
	_ Renewer     = (*Client)(nil)
	_ Importer    = (*Client)(nil)
	_ Migrator    = (*Client)(nil)
	_ Backuper    = (*Client)(nil)
	_ Brancher    = (*Client)(nil)
	_ CursorStore = (*Client)(nil)
)

// NewClient returns a client of the instance. The caller closes conn.
func NewClient(conn grpc.ClientConnInterface, instance string) *Client {
	return &Client{conn: conn, rpc: storagev1.NewStorageServiceClient(conn), instance: instance}
}

// Begin implements Storage.
func (c *Client) Begin(ctx context.Context, req *BeginRequest) (*BeginResult, error) {
	resp := &emptypb.Empty{} // keeps the encoded fields, for decodeBegin
	err := c.conn.Invoke(ctx, storagev1.StorageService_Begin_FullMethodName, &storagev1.BeginRequest{
		Call: sdk.CallToProto(req.Call, c.instance), Messages: messagesToProto(req.Messages), Metadata: req.Metadata,
		Tail: int32(req.Tail), Holder: req.Holder, LeaseMs: req.Lease.Milliseconds(), Key: req.Key, Digest: req.Digest,
		Attempt: req.Attempt, TailBytes: int64(req.TailBytes), Owned: req.Owned, RetractFrom: req.RetractFrom, CursorKey: req.CursorKey,
	}, resp, grpc.StaticMethod())
	if err != nil {
		return nil, fault.Of(err)
	}
	return decodeBegin(resp)
}

// Commit implements Storage.
func (c *Client) Commit(ctx context.Context, req *CommitRequest) (int64, error) {
	resp, err := c.rpc.Commit(ctx, &storagev1.CommitRequest{
		Call: sdk.CallToProto(req.Call, c.instance), Fence: req.Fence, State: storagev1.TurnState(req.State),
		Reason: req.Reason, Messages: messagesToProto(req.Messages), Usage: req.Usage, Record: req.Record,
	})
	if err != nil {
		return 0, fault.Of(err)
	}
	return resp.Number, nil
}

// Read implements Storage.
func (c *Client) Read(ctx context.Context, req *ReadRequest) (*TurnPage, error) {
	resp, err := c.rpc.Read(ctx, &storagev1.ReadRequest{
		Call: sdk.CallToProto(req.Call, c.instance), After: req.After, Limit: int32(req.Limit), All: req.All, Owned: req.Owned})
	if err != nil {
		return nil, fault.Of(err)
	}
	page := &TurnPage{More: resp.More, Turns: make([]Turn, len(resp.Turns))}
	for i, t := range resp.Turns {
		page.Turns[i] = turnFromProto(t)
	}
	return page, nil
}

// List implements Storage.
func (c *Client) List(ctx context.Context, req *ListRequest) (*ConversationPage, error) {
	resp, err := c.rpc.List(ctx, &storagev1.ListRequest{
		Call: sdk.CallToProto(req.Call, c.instance), After: req.After, Limit: int32(req.Limit), Wrote: req.Wrote})
	if err != nil {
		return nil, fault.Of(err)
	}
	page := &ConversationPage{More: resp.More}
	for _, p := range resp.Conversations {
		page.Conversations = append(page.Conversations, Conversation{ID: p.Id, User: p.User, Turns: p.Turns,
			CreatedAt: wire.TimeFrom(p.CreatedAt), UpdatedAt: wire.TimeFrom(p.UpdatedAt), Shared: p.Shared,
			Incarnation: p.Incarnation, BranchOf: p.BranchOf, BranchAt: p.BranchAt})
	}
	return page, nil
}

// Delete implements Storage.
func (c *Client) Delete(ctx context.Context, scope Scope) (Deleted, error) {
	resp, err := c.rpc.Delete(ctx, &storagev1.DeleteRequest{
		Call: sdk.CallToProto(scope.Call, c.instance), Tenant: scope.Tenant, Owned: scope.Owned,
		Before: wire.Time(scope.Before), Limit: int32(scope.Limit)})
	if err != nil {
		return Deleted{}, fault.Of(err)
	}
	return Deleted{Conversations: resp.Conversations, Turns: resp.Turns, Emptied: resp.Emptied, More: resp.More}, nil
}

// Import implements Importer.
func (c *Client) Import(ctx context.Context, req *ImportRequest) (int64, error) {
	p := &storagev1.ImportRequest{Call: sdk.CallToProto(req.Call, c.instance)}
	for _, t := range req.Turns {
		p.Turns = append(p.Turns, turnToProto(t))
		p.Retractions = p.Retractions || t.Retracted || t.RetractFrom != 0
	}
	resp, err := c.rpc.Import(ctx, p)
	if err != nil {
		return 0, fault.Of(err)
	}
	return resp.Turns, nil
}

// Migrate implements Migrator.
func (c *Client) Migrate(ctx context.Context, opts MigrateOptions) (*Migration, error) {
	resp, err := c.rpc.Migrate(ctx, &storagev1.MigrateRequest{Call: &chatv1.CallContext{Instance: c.instance}, Contract: opts.Contract})
	if err != nil {
		return nil, fault.Of(err)
	}
	return &Migration{SchemaVersion: int(resp.SchemaVersion), OldestVersion: int(resp.OldestVersion), Steps: resp.Steps}, nil
}

// Backup implements Backuper.
func (c *Client) Backup(ctx context.Context, folder string) (*BackupFile, error) {
	resp, err := c.rpc.Backup(ctx, &storagev1.BackupRequest{Call: &chatv1.CallContext{Instance: c.instance}, Folder: folder})
	if err != nil {
		return nil, fault.Of(err)
	}
	return &BackupFile{Path: resp.Path, Bytes: resp.Bytes}, nil
}

// Renew implements Renewer.
func (c *Client) Renew(ctx context.Context, holders []string, lease time.Duration) error {
	if err := ValidateRenewal(holders, lease); err != nil {
		return err
	}
	_, err := c.rpc.Renew(ctx, &storagev1.RenewRequest{
		Call: &chatv1.CallContext{Instance: c.instance}, Holders: holders, LeaseMs: lease.Milliseconds()})
	if err != nil {
		return fault.Of(err)
	}
	return nil
}
