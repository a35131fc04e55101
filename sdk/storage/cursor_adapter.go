package storage

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
)

// Branch implements Brancher.
func (c *Client) Branch(ctx context.Context, req *BranchRequest) (*BranchResult, error) {
	resp, err := c.rpc.Branch(ctx, &storagev1.BranchRequest{
		Call: sdk.CallToProto(req.Call, c.instance), Source: req.Source, Through: req.Through, Owned: req.Owned})
	if err != nil {
		return nil, fault.Of(err)
	}
	return &BranchResult{Turns: resp.Turns, Incarnation: resp.Incarnation, Through: resp.Through}, nil
}

// Claim implements CursorStore.
func (c *Client) Claim(ctx context.Context, req *ClaimRequest) (*ClaimResult, error) {
	resp, err := c.rpc.Claim(ctx, &storagev1.ClaimRequest{
		Call: sdk.CallToProto(req.Call, c.instance), StoreKey: req.StoreKey, Holder: req.Holder,
		LeaseMs: req.Lease.Milliseconds(), Limit: int32(req.Limit), Kind: storagev1.ClaimKind(req.Kind)})
	if err != nil {
		return nil, fault.Of(err)
	}
	res := &ClaimResult{More: resp.More, Held: resp.Held}
	for _, p := range resp.Claimed {
		res.Claimed = append(res.Claimed, Claimed{Conversation: p.Conversation, Incarnation: p.Incarnation, Forget: p.Forget,
			User: p.User, Sequence: p.Sequence, Data: p.Data})
	}
	return res, nil
}

// Advance implements CursorStore.
func (c *Client) Advance(ctx context.Context, req *AdvanceRequest) error {
	_, err := c.rpc.Advance(ctx, &storagev1.AdvanceRequest{
		Call: sdk.CallToProto(req.Call, c.instance), StoreKey: req.StoreKey, Holder: req.Holder, Incarnation: req.Incarnation,
		Sequence: req.Sequence, Data: req.Data, Forgotten: req.Forgotten, User: req.User, LeaseMs: req.Lease.Milliseconds()})
	if err != nil {
		return fault.Of(err)
	}
	return nil
}

func (s *server) Branch(ctx context.Context, req *storagev1.BranchRequest) (*storagev1.BranchResponse, error) {
	v, done, err := get[Brancher](s.set, req.GetCall(), "copies no conversations")
	if err != nil {
		return nil, err
	}
	defer done()
	r, err := v.Branch(ctx, &BranchRequest{Call: sdk.CallFromProto(req.Call), Source: req.Source, Through: req.Through, Owned: req.Owned})
	if err != nil {
		return nil, err
	}
	return &storagev1.BranchResponse{Turns: r.Turns, Incarnation: r.Incarnation, Through: r.Through}, nil
}

func (s *server) Claim(ctx context.Context, req *storagev1.ClaimRequest) (*storagev1.ClaimResponse, error) {
	v, done, err := get[CursorStore](s.set, req.GetCall(), "keeps no cursors")
	if err != nil {
		return nil, err
	}
	defer done()
	r, err := v.Claim(ctx, &ClaimRequest{Call: sdk.CallFromProto(req.Call), StoreKey: req.StoreKey, Holder: req.Holder,
		Lease: time.Duration(req.LeaseMs) * time.Millisecond, Limit: int(req.Limit), Kind: ClaimKind(req.Kind)})
	if err != nil {
		return nil, err
	}
	resp := &storagev1.ClaimResponse{More: r.More, Held: r.Held}
	for _, c := range r.Claimed {
		resp.Claimed = append(resp.Claimed, &storagev1.Claimed{Conversation: c.Conversation, Incarnation: c.Incarnation, Forget: c.Forget,
			User: c.User, Sequence: c.Sequence, Data: c.Data})
	}
	return resp, nil
}

func (s *server) Advance(ctx context.Context, req *storagev1.AdvanceRequest) (*storagev1.AdvanceResponse, error) {
	v, done, err := get[CursorStore](s.set, req.GetCall(), "keeps no cursors")
	if err != nil {
		return nil, err
	}
	defer done()
	return &storagev1.AdvanceResponse{}, v.Advance(ctx, &AdvanceRequest{Call: sdk.CallFromProto(req.Call), StoreKey: req.StoreKey,
		Holder: req.Holder, Incarnation: req.Incarnation, Sequence: req.Sequence, Data: req.Data, Forgotten: req.Forgotten,
		User: req.User, Lease: time.Duration(req.LeaseMs) * time.Millisecond})
}
