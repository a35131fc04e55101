package memory

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
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
)

// NewClient returns a client of the instance. The caller closes conn.
func NewClient(conn grpc.ClientConnInterface, instance string) *Client {
	return &Client{rpc: memoryv1.NewMemoryServiceClient(conn), instance: instance}
}

// Recall works like Recall of Memory.
func (c *Client) Recall(ctx context.Context, req *RecallRequest) ([]chat.Message, error) {
	resp, err := c.rpc.Recall(ctx, &memoryv1.RecallRequest{Call: sdk.CallToProto(req.Call, c.instance),
		Tail: wire.Messages(req.Tail), Message: wire.Message(req.Message)})
	if err != nil {
		return nil, fault.Of(err)
	}
	return wire.MessagesFrom(resp.Messages), nil
}

// Remember implements Rememberer. It does nothing if the instance is not a Rememberer.
func (c *Client) Remember(ctx context.Context, call sdk.Call, turns []Turn) error {
	if err := ValidateTurns(turns); err != nil {
		return err
	}
	req := &memoryv1.RememberRequest{Call: sdk.CallToProto(call, c.instance)}
	for _, t := range turns {
		req.Turns = append(req.Turns, &memoryv1.RememberedTurn{Number: t.Number, Messages: wire.Messages(t.Messages)})
	}
	_, err := c.rpc.Remember(ctx, req)
	return asError(err)
}

// Forget implements Forgetter. It does nothing if the instance is not a Forgetter.
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
