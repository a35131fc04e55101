package plugins

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
)

// sentMark tells whether a call may have reached the plugin. Only one that
// certainly did not may be made again: a Begin that is made twice is two turns.
type sentMark struct{ sent atomic.Bool }

type sentKey struct{}

func (s *sentMark) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, sentKey{}, s)
}

// markUnary sets the marks of calls. gRPC names the peer of those that it handed to a
// connection, and of no others. Its stats would tell too, and cost a dozen allocations a call.
func markUnary(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	mark, ok := ctx.Value(sentKey{}).(*sentMark)
	if !ok {
		return invoke(ctx, method, req, reply, conn, opts...)
	}
	var to peer.Peer
	err := invoke(ctx, method, req, reply, conn, append(opts, grpc.Peer(&to))...)
	if to.Addr != nil {
		mark.sent.Store(true)
	}
	return err
}

// markStream sets the marks of streams. gRPC makes one by handing it to a connection.
func markStream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, stream grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := stream(ctx, desc, conn, method, opts...)
	if mark, ok := ctx.Value(sentKey{}).(*sentMark); ok && err == nil {
		mark.sent.Store(true)
	}
	return s, err
}
