package echo

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// serve serves the plugin over gRPC in this process, and configures one instance for each block. The keys
// of blocks are the instances' ids. It returns a connection to the plugin.
func serve(t *testing.T, blocks map[string]string) *grpc.ClientConn {
	t.Helper()
	log := hclog.NewNullLogger()
	pipe := bufconn.Listen(1 << 16)
	server := grpc.NewServer(sdk.ServerOptions(log)...)
	sdk.Register(server, Plugin(), log)
	stopped := make(chan struct{})
	go func() { defer close(stopped); _ = server.Serve(pipe) }()
	conn, err := grpc.NewClient("passthrough:///pipe", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return pipe.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); server.Stop(); <-stopped })
	for id, block := range blocks {
		_, err := pluginv1.NewPluginServiceClient(conn).Configure(t.Context(), &pluginv1.ConfigureRequest{Instance: id, Config: []byte(block)})
		if err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

func TestPlugin_overTheWire(t *testing.T) {
	conn := serve(t, map[string]string{
		"plain": `{"model":"m"}`,
		"fails": `{"reply":"a b c","fail":{"class":"rate_limited","after_tokens":2,"retry_after_ms":1500}}`,
	})
	collect := func(instance string) (string, *llm.Finish, error) {
		var got strings.Builder
		finish, err := llm.NewClient(conn, instance).Chat(t.Context(), request("first", "{{7*7}}"),
			func(d llm.Delta) error { got.WriteString(d.Text); return nil })
		return got.String(), finish, err
	}

	got, finish, err := collect("plain")
	want := `You said: "{{7*7}}". I have no instructions. I was shown 1 earlier message, the first: "first".`
	if err != nil || got != want || finish.Model != "m" || finish.Reason != llm.FinishStop {
		t.Errorf("got %q, %+v, %v", got, finish, err)
	}

	got, finish, err = collect("fails")
	f := fault.Of(err)
	if got != "a b " || f == nil || f.Class != fault.RateLimited || f.RetryAfter != 1500*time.Millisecond {
		t.Errorf("got %q, %v", got, err)
	}
	if finish == nil || finish.Usage.OutputTokens != 2 {
		t.Errorf("finish %+v", finish)
	}

	out, err := llm.NewClient(conn, "plain").Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a", "b"}})
	if err != nil || len(out.Vectors) != 2 || len(out.Vectors[1]) != defaultDimensions {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestPlugin_badBlock(t *testing.T) {
	conn := serve(t, nil)
	_, err := pluginv1.NewPluginServiceClient(conn).Configure(t.Context(),
		&pluginv1.ConfigureRequest{Instance: "x", Config: []byte(`{"fail":{"class":"nope"}}`)})
	if f := fault.Of(err); f == nil || f.Class != fault.Invalid || f.Path.String() != "fail.class" || f.Party != fault.PartyTenant {
		t.Errorf("got %v, %+v", err, f)
	}
}
