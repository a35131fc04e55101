package sdk

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/emptypb"
)

// TestRequireSecret checks that calls of every service are refused without the secret, also of
// services that the plugin does not serve.
func TestRequireSecret(t *testing.T) {
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer(RequireSecret("s3cret"))
	pluginv1.RegisterPluginServiceServer(server, &pluginServer{})
	healthv1.RegisterHealthServer(server, health.NewServer())
	go func() { _ = server.Serve(listener) }() // Stop makes Serve return
	defer server.Stop()
	dial := func(opts ...grpc.DialOption) *grpc.ClientConn {
		conn, err := grpc.NewClient("passthrough:///", append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	calls := map[string]func(context.Context, *grpc.ClientConn) error{
		"GetInfo": func(ctx context.Context, conn *grpc.ClientConn) error {
			_, err := pluginv1.NewPluginServiceClient(conn).GetInfo(ctx, &pluginv1.GetInfoRequest{})
			return err
		},
		"health": func(ctx context.Context, conn *grpc.ClientConn) error {
			_, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{})
			return err
		},
		"stream": func(ctx context.Context, conn *grpc.ClientConn) error {
			s, err := healthv1.NewHealthClient(conn).Watch(ctx, &healthv1.HealthCheckRequest{})
			if err == nil {
				_, err = s.Recv()
			}
			return err
		},
		"not served": func(ctx context.Context, conn *grpc.ClientConn) error {
			return conn.Invoke(ctx, "/none.Service/Call", &emptypb.Empty{}, &emptypb.Empty{})
		},
	}
	for _, c := range []struct {
		name   string
		opts   []grpc.DialOption
		values []string
		known  bool
	}{
		{name: "none"},
		{name: "empty", values: []string{""}},
		{name: "wrong", values: []string{"s3creT"}},
		{name: "longer", values: []string{"s3cret "}},
		{name: "two", values: []string{"s3cret", "s3cret"}},
		{name: "right", values: []string{"s3cret"}, known: true},
		{name: "credentials", opts: []grpc.DialOption{grpc.WithPerRPCCredentials(Secret("s3cret"))}, known: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dial(c.opts...)
			ctx := t.Context()
			for _, v := range c.values {
				ctx = metadata.AppendToOutgoingContext(ctx, SecretMetadata, v)
			}
			for name, call := range calls {
				if err := call(ctx, conn); (status.Code(err) == codes.Unauthenticated) == c.known {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func TestSecret_String(t *testing.T) {
	s := Secret("s3cret")
	if text := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); strings.Contains(text, "s3cret") {
		t.Error(text)
	}
}
