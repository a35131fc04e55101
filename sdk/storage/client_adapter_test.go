package storage

import (
	"context"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/internal/instances"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// resultStorage is a storage whose Begin returns the result.
type resultStorage struct {
	Storage
	result *BeginResult
}

func (s resultStorage) Begin(context.Context, *BeginRequest) (*BeginResult, error) {
	return s.result, nil
}

// connect returns a client of the server, which runs behind an in-memory connection.
func connect(t testing.TB, s storagev1.StorageServiceServer) *Client {
	t.Helper()
	g := grpc.NewServer(sdk.ServerOptions(hclog.NewNullLogger())...)
	storagev1.RegisterStorageServiceServer(g, s)
	l := bufconn.Listen(1 << 20)
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	conn, err := grpc.NewClient("passthrough:///plugin", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return NewClient(conn, "i")
}

// serve returns a server of an instance "i", which is the storage.
func serve(t testing.TB, s Storage) *server {
	t.Helper()
	set := &instances.Set[Storage]{}
	if _, err := set.Configure(t.Context(), "i", func(context.Context) (Storage, error) { return s, nil }); err != nil {
		t.Fatal(err)
	}
	return &server{set: set}
}

// TestClient_Begin checks that each result of a Begin comes to the host, with texts in UTF-8.
func TestClient_Begin(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want *BeginResult
	}{
		{"started", &BeginResult{Started: usualStarted()}, &BeginResult{Started: usualStarted()}},
		{"a text that is not UTF-8", &BeginResult{Started: &Started{Fence: "f", Tail: []Turn{{State: Succeeded, User: "\xff"}}}},
			&BeginResult{Started: &Started{Fence: "f", Tail: []Turn{{State: Succeeded, User: chat.Clean("\xff")}}}}},
		{"replay", &BeginResult{Replay: &Turn{Key: "k", Messages: stored("m")}}, &BeginResult{Replay: &Turn{Key: "k", Messages: stored("m")}}},
		{"busy", &BeginResult{Busy: &Busy{SameKey: true}}, &BeginResult{Busy: &Busy{SameKey: true}}},
		{"key reused", &BeginResult{KeyReused: true}, &BeginResult{KeyReused: true}},
		{"no result", &BeginResult{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := connect(t, serve(t, resultStorage{result: c.got})).Begin(t.Context(), &BeginRequest{})
			if !reflect.DeepEqual(got, c.want) || (err != nil) != (c.want == nil) || err != nil && !fault.Is(err, fault.Internal) {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

// BenchmarkClient_Begin measures a usual Begin on both sides of an in-memory connection.
func BenchmarkClient_Begin(b *testing.B) {
	c := connect(b, serve(b, resultStorage{result: &BeginResult{Started: usualStarted()}}))
	req := &BeginRequest{Call: sdk.Call{Tenant: "t", Conversation: "c", User: "ada", Incarnation: "0123456789abcdef"},
		Messages: EncodeMessages(chat.Text(chat.User, "what is the weather like in Zurich today?")), Tail: 20,
		Holder: "0123456789abcdef", Lease: time.Minute, Attempt: "0123456789abcdef", Owned: true, CursorKey: "0123456789abcdef"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Begin(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}
