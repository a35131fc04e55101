package pgstore

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
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
		want  string // empty if the schema of the configuration refuses the block
	}{
		{`{}`, `{"schema":"botyard","pool_size":20,"max_overflow":10,"connect_timeout":5,"statement_timeout":10}`},
		{`{"connection": {"host": "localhost", "port": 5432, "database": "bots_db", "user": "postgres", "password": "p"}, "pool_size": 20, "max_overflow": 10}`,
			`{"connection":{"host":["localhost"],"port":5432,"database":"bots_db","user":"postgres","password":"p"},"schema":"botyard","pool_size":20,"max_overflow":10,"connect_timeout":5,"statement_timeout":10}`},
		{`{"connection": {"host": ["a", "b:5433"]}, "max_overflow": 0, "statement_timeout": 0.5}`,
			`{"connection":{"host":["a","b:5433"]},"schema":"botyard","pool_size":20,"connect_timeout":5,"statement_timeout":0.5}`},
		{`{"connection": {"host": []}}`, ""},
		{`{"connection": {"host": 5}}`, ""},
		{`{"connection": {"hosts": "x"}}`, ""},
		{`{"pool_size": "20"}`, ""},
		{`{"path": "x.db"}`, ""},
	} {
		t.Run(c.block, func(t *testing.T) {
			var cfg Config
			err := schema.Decode(Plugin().Info.ConfigSchema, []byte(c.block), &cfg)
			got, _ := json.Marshal(cfg)
			if c.want == "" && !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v; want it refused", c.block, err)
			}
			if c.want != "" && (err != nil || string(got) != c.want) {
				t.Errorf("%s: %v\n got %s\nwant %s", c.block, err, got, c.want)
			}
		})
	}
}

// TestConfig_secretsAndEndpoints checks which keys are marked as secrets and which as endpoints. A
// key must be an endpoint if it decides where a password is sent or who can read the password.
// Otherwise a tenant could change the key and so get the operator's password.
func TestConfig_secretsAndEndpoints(t *testing.T) {
	type key struct {
		Secret     bool `json:"x-botyard-secret"`
		Endpoint   bool `json:"x-botyard-endpoint"`
		OneOf      []any
		Properties map[string]json.RawMessage
	}
	var whole key
	if err := json.Unmarshal(Plugin().Info.ConfigSchema, &whole); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	var walk func(prefix string, of key)
	walk = func(prefix string, of key) {
		for name, text := range of.Properties {
			var k key
			if err := json.Unmarshal(text, &k); err != nil {
				t.Fatal(err)
			}
			marks := ""
			if k.Secret {
				marks += "s"
			}
			if k.Endpoint {
				marks += "e"
			}
			if marks != "" {
				found[prefix+name] = marks
			}
			if prefix+name == "connection.host" && len(k.OneOf) != 2 {
				t.Errorf("connection.host is %s", text)
			}
			walk(prefix+name+".", k)
		}
	}
	walk("", whole)
	if want := (map[string]string{
		"dsn": "se", "listen_dsn": "se", "connection.host": "e", "connection.port": "e", "connection.password": "s",
		"tls.mode": "e", "connection.database": "e", "schema": "e", "tls.ca": "se", "tls.cert": "s", "tls.key": "s",
	}); !maps.Equal(found, want) {
		t.Errorf("marked are %v\nwant %v", found, want)
	}
}

// TestPlugin_conformance runs the conformance kit over gRPC, with all instances in the process of
// the test.
func TestPlugin_conformance(t *testing.T) {
	if testing.Short() {
		t.Skip("TestConformance_storages of host/e2e runs the kit over processes")
	}
	t.Parallel()
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
		if err := p.Backend.Close(); err != nil {
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
	block, err := json.Marshal(config(cluster(t).DSN(database(t))))
	if err != nil {
		t.Fatal(err)
	}
	instances := 0
	open := func(ctx context.Context) (storage.Storage, error) {
		instances++
		id := fmt.Sprint("instance ", instances)
		if _, err := p.Backend.Configure(ctx, id, block, env()); err != nil {
			return nil, err
		}
		return client{storage.NewClient(conn, id), storage.NewTenantStoreClient(conn, id)}, nil
	}
	if err := storagetest.Test(t.Context(), open, storagetest.Peers(open), storagetest.Short(), storagetest.Features(feature.Retract), reported(t)); err != nil {
		t.Error(err)
	}
}

// client has all interfaces that an instance of the plugin serves.
type client struct {
	*storage.Client
	*storage.TenantStoreClient
}
