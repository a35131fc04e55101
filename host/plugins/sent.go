package plugins

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

// sentMark tells whether a call may have reached the plugin. Only one that
// certainly did not may be made again: a Begin that is made twice is two turns.
type sentMark struct{ sent atomic.Bool }

type sentKey struct{}

func (s *sentMark) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, sentKey{}, s)
}

// sentHandler sets the marks. gRPC reports the header when it hands the call to a
// connection, and not when there is none to hand it to.
type sentHandler struct{}

var _ stats.Handler = sentHandler{}

func (sentHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (sentHandler) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.OutHeader); !ok {
		return
	}
	if mark, ok := ctx.Value(sentKey{}).(*sentMark); ok {
		mark.sent.Store(true)
	}
}

func (sentHandler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (sentHandler) HandleConn(context.Context, stats.ConnStats) {}
