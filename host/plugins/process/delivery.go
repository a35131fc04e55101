package process

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
)

// Delivery tells whether a call may have reached the plugin. Only a call that certainly
// did not reach it may be made again: a Begin that is made twice is two turns.
type Delivery struct{ reached atomic.Bool }

type deliveryKey struct{}

// Observe returns a context for one call, whose delivery d is to tell.
func (d *Delivery) Observe(ctx context.Context) context.Context {
	return context.WithValue(ctx, deliveryKey{}, d)
}

// Reached reports whether the call may have reached the plugin.
func (d *Delivery) Reached() bool { return d.reached.Load() }

// observeUnary notes the delivery of unary calls. gRPC tells the peer of a call that it
// handed to a connection, and of no other. Its stats would tell that too, but cost a dozen
// allocations a call.
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

// observeStream notes the delivery of streams. gRPC makes a stream by handing it to a
// connection.
func observeStream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, stream grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := stream(ctx, desc, conn, method, opts...)
	if d, ok := ctx.Value(deliveryKey{}).(*Delivery); ok && err == nil {
		d.reached.Store(true)
	}
	return s, err
}
