package sdk

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
)

// streamWorkers is the number of goroutines that grpc-go reuses for calls. Their stacks have
// already grown, so that a call does not wait until the stack of a new goroutine grows. Calls
// beyond this number get new goroutines.
const streamWorkers = 64

// ServerOptions returns the options of every plugin's gRPC server. They limit the sizes of
// messages, clean texts that are not UTF-8, turn panics into errors, and send errors as gRPC
// statuses with a Fault.
func ServerOptions(log hclog.Logger) []grpc.ServerOption {
	return serverOptions(log, newEnding(), func() {})
}

// serverOptions returns the options of [ServerOptions], with more effects. They call arrived when a
// call arrives, count the running calls in e, and let e end the streams of go-plugin. One interceptor
// does all of that, because a chain of interceptors allocates memory for each call.
func serverOptions(log hclog.Logger, e *ending, arrived func()) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(newCodec()),
		grpc.MaxRecvMsgSize(MaxMessageBytes),
		grpc.MaxSendMsgSize(MaxAnswerBytes),
		grpc.InitialWindowSize(StreamWindowBytes),
		grpc.InitialConnWindowSize(ConnWindowBytes),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
			arrived()
			e.begin()
			defer e.end()
			defer func() { err = fault.ToStatus(recovered(log, recover(), err)) }()
			return next(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			arrived()
			if strings.HasPrefix(info.FullMethod, "/plugin.") {
				return e.follow(func() error { return serveStream(log, srv, stream, next) })
			}
			e.begin()
			defer e.end()
			return serveStream(log, srv, stream, next)
		}),
	}
}

// serveStream runs the handler of a stream. It returns the error of the handler, or its panic, as a
// gRPC status.
func serveStream(log hclog.Logger, srv any, stream grpc.ServerStream, next grpc.StreamHandler) (err error) {
	defer func() { err = fault.ToStatus(recovered(log, recover(), err)) }()
	return next(srv, stream)
}

func recovered(log hclog.Logger, panicked any, err error) error {
	if panicked == nil {
		return err
	}
	log.Error("panic", "value", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	return fault.New(fault.Internal, "the plugin panicked").By(fault.PartyPlugin)
}
