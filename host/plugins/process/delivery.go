package process

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
)

// Delivery records whether a call may have reached the plugin. The host may repeat a call
// only if the call certainly did not reach the plugin, because a repeated Begin would start
// a second turn.
type Delivery struct{ reached atomic.Bool }

type deliveryKey struct{}

// Observe returns a context for one call. The call records its delivery in d.
func (d *Delivery) Observe(ctx context.Context) context.Context {
	return context.WithValue(ctx, deliveryKey{}, d)
}

// Reached reports whether the call may have reached the plugin.
func (d *Delivery) Reached() bool { return d.reached.Load() }

// observeUnary makes a unary call, and records its delivery in the Delivery of ctx. gRPC
// sets the peer of a call only if it gave the call to a connection.
// The stats handlers of gRPC would also show that, but they cost about twelve allocations
// for each call.
func observeUnary(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	d, ok := ctx.Value(deliveryKey{}).(*Delivery)
	if !ok {
		return invoke(ctx, method, req, reply, conn, opts...)
	}
	var to peer.Peer
	err := invoke(ctx, method, req, reply, conn, append(opts, grpc.Peer(&to))...)
	if to.Addr != nil {
		d.reached.Store(true)
	}
	return err
}

// observeStream opens a stream, and records its delivery in the Delivery of ctx. gRPC has
// given each stream that it returns to a connection.
func observeStream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, stream grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := stream(ctx, desc, conn, method, opts...)
	if d, ok := ctx.Value(deliveryKey{}).(*Delivery); ok && err == nil {
		d.reached.Store(true)
	}
	return s, err
}
