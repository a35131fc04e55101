package memstore

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/schema"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagetest"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		block string
		want  int64 // -1 means that the schema refuses the block
	}{
		{`{}`, 1 << 30},
		{`{"max_bytes": 4096}`, 4096},
		{`{"max_bytes": "4096"}`, -1},
		{`{"connection": {"host": "localhost"}}`, -1},
		{`{"pool_size": 20}`, -1},
		{`{"max_overflow": 10}`, -1},
	} {
		t.Run(c.block, func(t *testing.T) {
			var cfg Config
			err := schema.Decode(Plugin().Info.ConfigSchema, []byte(c.block), &cfg)
			if c.want < 0 && !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v; want it refused", c.block, err)
			}
			if c.want >= 0 && (err != nil || cfg.MaxBytes != c.want) {
				t.Errorf("%s: %+v, %v; want %d", c.block, cfg, err, c.want)
			}
		})
	}
}

func TestPlugin_exclusive(t *testing.T) {
	info := Plugin().Info
	want := []string{feature.Renew, feature.Import, feature.Branch, feature.Cursor, feature.Watch, feature.Owners, feature.Retract}
	if !info.Exclusive || !slices.Equal(info.Features, want) {
		t.Errorf("%+v", info)
	}
}

// TestPlugin_conformance runs the conformance kit over gRPC, with all instances in the process of
// the test.
func TestPlugin_conformance(t *testing.T) {
	p := Plugin()
	server := grpc.NewServer(sdk.ServerOptions(hclog.NewNullLogger())...)
	p.Backend.Register(server)
	listener, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	conn, err := grpc.NewClient("unix:"+listener.Addr().String(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(sdk.MaxMessageBytes)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}()
	instances := 0
	open := func(ctx context.Context) (storage.Storage, error) {
		instances++
		id := fmt.Sprint("instance ", instances)
		if _, err := p.Backend.Configure(ctx, id, []byte(`{}`), sdk.Env{Log: hclog.NewNullLogger()}); err != nil {
			return nil, err
		}
		return client{storage.NewClient(conn, id), storage.NewTenantStoreClient(conn, id)}, nil
	}
	again := func(context.Context) (storage.Storage, error) {
		id := fmt.Sprint("instance ", instances)
		return client{storage.NewClient(conn, id), storage.NewTenantStoreClient(conn, id)}, nil
	}
	if err := storagetest.Test(t.Context(), open, storagetest.Peers(again), storagetest.Short(), storagetest.Features(feature.Retract)); err != nil {
		t.Error(err)
	}
}

// client has all interfaces that an instance of the plugin serves.
type client struct {
	*storage.Client
	*storage.TenantStoreClient
}
