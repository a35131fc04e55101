package memory

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/internal/wire"
	memoryv1 "github.com/botyard/botyard/sdk/proto/botyard/memory/v1"
	"google.golang.org/grpc"
)

// Client calls an instance in a plugin process. It does not implement Needs, because the host
// learns the needs when it configures the instance.
type Client struct {
	rpc      memoryv1.MemoryServiceClient
	instance string
}

var (
	_ Rememberer = (*Client)(nil)
	_ Forgetter  = (*Client)(nil)
	_ Worker     = (*Client)(nil)
)

// NewClient returns a client of the instance. The caller closes conn.
func NewClient(conn grpc.ClientConnInterface, instance string) *Client {
	return &Client{rpc: memoryv1.NewMemoryServiceClient(conn), instance: instance}
}

// Recall works like Recall of Memory.
func (c *Client) Recall(ctx context.Context, req *RecallRequest) (*Recalled, error) {
	p := &memoryv1.RecallRequest{Call: sdk.CallToProto(req.Call, c.instance), Messages: wire.Messages(req.Messages), BudgetTokens: req.BudgetTokens}
	for _, t := range req.Tail {
		p.Tail = append(p.Tail, turnToProto(t))
	}
	for _, r := range req.Retractions {
		p.Retractions = append(p.Retractions, retractionToProto(r))
	}
	resp, err := c.rpc.Recall(ctx, p)
	if err != nil {
		return nil, fault.Of(err)
	}
	out := &Recalled{Items: make([]Item, len(resp.Items)), Problems: boundedProblems(resp.Problems)}
	for i, item := range resp.Items {
		out.Items[i] = itemFromProto(item)
	}
	return out, nil
}

// Remember implements Rememberer. It returns fault.Internal if the plugin says that it has kept what
// it was not given.
func (c *Client) Remember(ctx context.Context, req *RememberRequest) (int64, error) {
	if err := req.Validate(); err != nil {
		return 0, err
	}
	p := &memoryv1.RememberRequest{Call: sdk.CallToProto(req.Call, c.instance), After: req.After}
	last := req.After
	for _, e := range req.Events {
		p.Events = append(p.Events, eventToProto(e))
		last = e.Sequence()
	}
	resp, err := c.rpc.Remember(ctx, p)
	if err != nil {
		return 0, fault.Of(err)
	}
	if resp.Sequence < req.After || resp.Sequence > last {
		return 0, fault.New(fault.Internal, "the memory says that it has kept all up to %d, and was given %d to %d", resp.Sequence, req.After, last).By(fault.PartyPlugin)
	}
	return resp.Sequence, nil
}

// Work implements Worker.
func (c *Client) Work(ctx context.Context, call sdk.Call, cursor []byte) ([]byte, bool, error) {
	resp, err := c.rpc.Work(ctx, &memoryv1.WorkRequest{Call: sdk.CallToProto(call, c.instance), Cursor: cursor})
	if err != nil {
		return nil, false, fault.Of(err)
	}
	if len(resp.Cursor) > sdk.MaxCursorBytes {
		return nil, false, fault.New(fault.Internal, "the memory returned a cursor of %d bytes; at most %d are kept", len(resp.Cursor), sdk.MaxCursorBytes).By(fault.PartyPlugin)
	}
	return resp.Cursor, resp.More, nil
}

// Forget implements Forgetter.
func (c *Client) Forget(ctx context.Context, call sdk.Call) error {
	_, err := c.rpc.Forget(ctx, &memoryv1.ForgetRequest{Call: sdk.CallToProto(call, c.instance)})
	return asError(err)
}

// asError returns err as a *fault.Error, and nil for nil. Returning a nil *fault.Error as an error
// would give an error that is not nil.
func asError(err error) error {
	if err == nil {
		return nil
	}
	return fault.Of(err)
}
