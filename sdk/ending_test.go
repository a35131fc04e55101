package sdk

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
)

// slowServer is a server whose calls wait until may is closed or their context ends.
type slowServer struct {
	pluginv1.UnimplementedPluginServiceServer
	began, may chan struct{}
}

func (s *slowServer) GetInfo(ctx context.Context, _ *pluginv1.GetInfoRequest) (*pluginv1.GetInfoResponse, error) {
	s.began <- struct{}{}
	select {
	case <-s.may:
		return &pluginv1.GetInfoResponse{Name: "slow"}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestEnding_run checks that a call at work is answered after the end of standard input, that a call
// that does not end is canceled, and that the instances are closed after the calls.
func TestEnding_run(t *testing.T) {
	for _, finishes := range []bool{true, false} {
		t.Run(map[bool]string{true: "finishes", false: "hangs"}[finishes], func(t *testing.T) {
			e := newEnding()
			s := &slowServer{began: make(chan struct{}), may: make(chan struct{})}
			listener := bufconn.Listen(1 << 16)
			server := grpc.NewServer(serverOptions(hclog.NewNullLogger(), e, func() {})...)
			pluginv1.RegisterPluginServiceServer(server, s)
			server.RegisterService(&grpc.ServiceDesc{
				ServiceName: "plugin.GRPCStdio", HandlerType: (*any)(nil),
				Streams: []grpc.StreamDesc{{StreamName: "StreamStdio", ServerStreams: true, Handler: func(_ any, stream grpc.ServerStream) error {
					s.began <- struct{}{}
					<-stream.Context().Done()
					return stream.Context().Err()
				}}},
			}, nil)
			served := make(chan struct{})
			go func() { defer close(served); _ = server.Serve(listener) }() // run makes Serve return
			conn, err := grpc.NewClient("passthrough:///", grpc.WithTransportCredentials(insecure.NewCredentials()),
				grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			stdio, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, "/plugin.GRPCStdio/StreamStdio")
			if err == nil {
				err = stdio.CloseSend()
			}
			if err != nil {
				t.Fatal(err)
			}
			<-s.began
			answered := make(chan error, 1)
			go func() {
				_, err := pluginv1.NewPluginServiceClient(conn).GetInfo(t.Context(), &pluginv1.GetInfoRequest{})
				answered <- err
			}()
			<-s.began

			var closed atomic.Bool
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				e.run(server, func() {
					e.mu.Lock()
					defer e.mu.Unlock()
					closed.Store(e.calls == 0)
				})
			}()
			if finishes {
				close(s.may)
			}
			if err := <-answered; finishes && err != nil || !finishes && status.Code(err) != codes.Unavailable {
				t.Errorf("the call's error: %v", err)
			}
			<-ended
			<-served
			if !closed.Load() {
				t.Error("the instances were closed under a call, or not at all")
			}
		})
	}
}
