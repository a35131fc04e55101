package sdk

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
)

// streamWorkers are goroutines that serve calls one after the other, on stacks that have
// grown already: that of a new goroutine would have to grow for each call. Calls beyond
// their number have goroutines of their own.
const streamWorkers = 64

// ServerOptions are what every plugin's gRPC server needs: message limits, answers in
// UTF-8, panics turned into errors, and errors turned into the protocol's statuses.
func ServerOptions(log hclog.Logger) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(newCodec()),
		grpc.MaxRecvMsgSize(MaxMessageBytes),
		grpc.MaxSendMsgSize(MaxAnswerBytes),
		grpc.InitialWindowSize(StreamWindowBytes),
		grpc.InitialConnWindowSize(ConnWindowBytes),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
			defer func() { err = fault.ToStatus(recovered(log, recover(), err)) }()
			return next(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
			defer func() { err = fault.ToStatus(recovered(log, recover(), err)) }()
			return next(srv, stream)
		}),
	}
}

func recovered(log hclog.Logger, panicked any, err error) error {
	if panicked == nil {
		return err
	}
	log.Error("panic", "value", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	return fault.New(fault.Internal, "the plugin panicked").By(fault.PartyPlugin)
}
