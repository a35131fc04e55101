package plugins

import (
	"context"

	"github.com/botyard/botyard/sdk/storage"
)

// cursorCaller calls the cursors of a storage instance.
type cursorCaller struct{ i *Instance }

var _ storage.CursorStore = cursorCaller{}

// branchCaller copies conversations of a storage instance.
type branchCaller struct{ i *Instance }

var _ storage.Brancher = branchCaller{}

// Branch implements storage.Brancher.
func (b branchCaller) Branch(ctx context.Context, req *storage.BranchRequest) (*storage.BranchResult, error) {
	return invoke(ctx, b.i, callOptions{tenant: req.Call.Tenant}, storage.NewClient, func(ctx context.Context, s *storage.Client) (*storage.BranchResult, error) {
		return s.Branch(ctx, req)
	})
}

// Claim implements storage.CursorStore.
func (c cursorCaller) Claim(ctx context.Context, req *storage.ClaimRequest) (*storage.ClaimResult, error) {
	return invoke(ctx, c.i, callOptions{tenant: req.Call.Tenant}, storage.NewClient, func(ctx context.Context, s *storage.Client) (*storage.ClaimResult, error) {
		return s.Claim(ctx, req)
	})
}

// Advance implements storage.CursorStore.
func (c cursorCaller) Advance(ctx context.Context, req *storage.AdvanceRequest) error {
	return c.i.call(ctx, callOptions{tenant: req.Call.Tenant, ends: true}, func(ctx context.Context, t target) error {
		return storage.NewClient(t.conn, t.id).Advance(ctx, req)
	})
}
