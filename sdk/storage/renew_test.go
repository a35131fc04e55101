package storage_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// dial starts a gRPC server with the services that register adds, and returns a connection to it.
func dial(t *testing.T, register func(*grpc.Server)) *grpc.ClientConn {
	t.Helper()
	l := bufconn.Listen(1 << 20)
	server := grpc.NewServer(sdk.ServerOptions(hclog.NewNullLogger())...)
	register(server)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///plugin",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// renewing is a storage that records the calls of Renew. It has no other methods.
type renewing struct {
	storage.Storage
	calls []string
}

func (r *renewing) Renew(_ context.Context, holders []string, lease time.Duration) error {
	if err := storage.ValidateRenewalText(holders, lease); err != nil {
		return err
	}
	r.calls = append(r.calls, fmt.Sprint(holders, lease))
	return nil
}

func TestClient_Renew(t *testing.T) {
	r := &renewing{}
	p := storage.NewPlugin("test", "1", func(context.Context, struct{}, sdk.Env) (*renewing, error) { return r, nil })
	conn := dial(t, func(s *grpc.Server) { sdk.Register(s, p, hclog.NewNullLogger()) })
	if _, err := pluginv1.NewPluginServiceClient(conn).Configure(t.Context(), &pluginv1.ConfigureRequest{Instance: "i", Config: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	c := storage.NewClient(conn, "i")
	for _, holders := range [][]string{{"a"}, {"a", "b", "c"}} {
		if err := c.Renew(t.Context(), holders, time.Second); err != nil {
			t.Error(err)
		}
	}
	if want := []string{"[a] 1s", "[a b c] 1s"}; !slices.Equal(r.calls, want) {
		t.Errorf("calls %q; want %q", r.calls, want)
	}
	for _, holders := range [][]string{nil, {""}, {"a", ""}, make([]string, storage.MaxRenewal+1)} {
		if err := c.Renew(t.Context(), holders, time.Second); !fault.Is(err, fault.Invalid) {
			t.Errorf("%d holders: %v", len(holders), err)
		}
	}
	if err := c.Renew(t.Context(), []string{"a", "b\x00"}, time.Second); !fault.Is(err, fault.Invalid) {
		t.Errorf("a holder with NUL: %v", err)
	}
}
