package services

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	hostv1 "github.com/botyard/botyard/sdk/proto/botyard/host/v1"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// blocking is a nested plugin that sends each call to began, and answers when free is closed.
type blocking struct {
	began chan sdk.Call
	free  chan struct{}
	large int
}

func (b blocking) Embed(ctx context.Context, call sdk.Call, _ *llmv1.EmbedRequest) (*llmv1.EmbedResponse, error) {
	b.began <- call
	select {
	case <-b.free:
		return &llmv1.EmbedResponse{Model: strings.Repeat("m", b.large)}, nil
	case <-ctx.Done():
		return nil, fault.Of(ctx.Err())
	}
}

func (b blocking) Generate(context.Context, sdk.Call, *llmv1.ChatRequest, func(*llmv1.ChatResponse) error) error {
	panic("a panic of the host")
}

type fixture struct {
	*Server
	path string
	hostv1.HostServiceClient
	nested blocking
	roles  map[string]Nested
	ends   chan string // service and result of each callback that ended
}

func serve(t *testing.T, services ...string) *fixture {
	t.Helper()
	dir, err := os.MkdirTemp("", "bs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	f := &fixture{path: filepath.Join(dir, "s"), nested: blocking{began: make(chan sdk.Call, 1000), free: make(chan struct{})}, ends: make(chan string, 10_000)}
	f.roles = map[string]Nested{"embedding": f.nested, "llm": f.nested}
	f.Server, err = Listen(Options{Path: f.path, Services: services, Owns: func(pid int) bool { return pid == os.Getpid() }, Log: hclog.NewNullLogger(),
		Ended: func(service string, err error) {
			result := "ok"
			if err != nil {
				result = fault.Of(err).Class.String()
			}
			f.ends <- service + " " + result
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	f.HostServiceClient = hostv1.NewHostServiceClient(f.dial(t))
	return f
}

func (f *fixture) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("unix:"+f.path, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func with(token string) context.Context {
	return metadata.AppendToOutgoingContext(context.Background(), sdk.CallTokenMetadata, token)
}

// embed makes a callback, and returns a channel with its error.
func (f *fixture) embed(token string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := f.Embed(with(token), &hostv1.EmbedRequest{Role: "embedding", Request: &llmv1.EmbedRequest{Texts: []string{"x"}}})
		if err != nil {
			err = fault.Of(err)
		}
		done <- err
	}()
	return done
}

// Embed calls the client, and not the server of the same name.
func (f *fixture) Embed(ctx context.Context, req *hostv1.EmbedRequest) (*hostv1.EmbedResponse, error) {
	return f.HostServiceClient.Embed(ctx, req)
}

// TestServer_stampsTheCall checks that the nested plugin gets the tenant, conversation and user of
// the host's call, and no token.
func TestServer_stampsTheCall(t *testing.T) {
	f := serve(t, sdk.HostEmbed)
	call := sdk.Call{Tenant: "t", Conversation: "c", User: "u", Incarnation: "i", Token: "of the plugin's making"}
	token, end := f.Begin(context.Background(), call, f.roles)
	defer end()
	done := f.embed(token)
	call.Token = ""
	if got := <-f.nested.began; got != call {
		t.Errorf("the nested plugin gets %+v, want %+v", got, call)
	}
	close(f.nested.free)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestServer_refuses checks that the host calls no nested plugin without a valid token.
func TestServer_refuses(t *testing.T) {
	f := serve(t, sdk.HostEmbed)
	valid, end := f.Begin(context.Background(), sdk.Call{Tenant: "t"}, f.roles)
	defer end()
	ended, over := f.Begin(context.Background(), sdk.Call{Tenant: "t"}, f.roles)
	over()
	canceled, cancel := context.WithCancel(context.Background())
	late, lateEnd := f.Begin(canceled, sdk.Call{Tenant: "t"}, f.roles)
	defer lateEnd()
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		want fault.Class
	}{
		"no token":                 {context.Background(), fault.Unauthenticated},
		"an empty token":           {with(""), fault.Unauthenticated},
		"a token made up":          {with(strings.Repeat("a", 32)), fault.Unauthenticated},
		"an ended call":            {with(ended), fault.Unauthenticated},
		"a call that was given up": {with(late), fault.Unauthenticated},
		"two tokens":               {metadata.AppendToOutgoingContext(with(valid), sdk.CallTokenMetadata, valid), fault.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.Embed(c.ctx, &hostv1.EmbedRequest{Role: "embedding"})
			if !fault.Is(fault.Of(err), c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	stream, err := f.Generate(with(valid), &hostv1.GenerateRequest{Role: "llm"})
	if err == nil {
		_, err = stream.Recv()
	}
	if !fault.Is(fault.Of(err), fault.Forbidden) {
		t.Errorf("a service that the plugin did not ask for gives %v", err)
	}
	_, err = f.Embed(with(valid), &hostv1.EmbedRequest{Role: "index"})
	if !fault.Is(fault.Of(err), fault.Invalid) {
		t.Errorf("an unknown role gives %v", err)
	}
	if len(f.nested.began) > 0 {
		t.Error("the nested plugin was called")
	}
}

// Generate calls the client, and not the server of the same name.
func (f *fixture) Generate(ctx context.Context, req *hostv1.GenerateRequest) (grpc.ServerStreamingClient[hostv1.GenerateResponse], error) {
	return f.HostServiceClient.Generate(ctx, req)
}

// TestServer_Ended checks that each callback is counted once, with its host service and its result, and
// that what a plugin calls adds no services.
func TestServer_Ended(t *testing.T) {
	f := serve(t, sdk.HostEmbed, sdk.HostGenerate)
	close(f.nested.free)
	token, end := f.Begin(context.Background(), sdk.Call{Tenant: "t"}, f.roles)
	defer end()
	for _, call := range []func() error{
		func() error { return <-f.embed(token) },
		func() error { return <-f.embed("none") },
		func() error { _, err := f.Embed(with(token), &hostv1.EmbedRequest{Role: "index"}); return err },
		func() error {
			return f.dial(t).Invoke(with(token), "/botyard.host.v1.HostService/Dream", &hostv1.EmbedRequest{}, &hostv1.EmbedResponse{})
		},
		func() error {
			stream, err := f.Generate(with(token), &hostv1.GenerateRequest{Role: "llm"})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		},
	} {
		_ = call() // the count has the result
	}
	var got []string
	for range 5 {
		got = append(got, <-f.ends)
	}
	slices.Sort(got)
	want := []string{"embed invalid", "embed ok", "embed unauthenticated", "generate internal", "none invalid"}
	if !slices.Equal(got, want) || len(f.ends) > 0 {
		t.Errorf("counted %q and %d more; want %q", got, len(f.ends), want)
	}
}

// TestServer_recovers checks that a panic of the host is an error of the callback.
func TestServer_recovers(t *testing.T) {
	f := serve(t, sdk.HostGenerate)
	token, end := f.Begin(context.Background(), sdk.Call{Tenant: "t"}, f.roles)
	defer end()
	stream, err := f.Generate(with(token), &hostv1.GenerateRequest{Role: "llm"})
	if err == nil {
		_, err = stream.Recv()
	}
	if !fault.Is(fault.Of(err), fault.Internal) {
		t.Errorf("got %v", err)
	}
}

// TestServer_Begin_end checks that the end of a call ends its callbacks, and leaves nothing behind.
func TestServer_Begin_end(t *testing.T) {
	f := serve(t, sdk.HostEmbed)
	token, end := f.Begin(context.Background(), sdk.Call{Tenant: "t"}, f.roles)
	done := f.embed(token)
	<-f.nested.began
	end()
	if err := <-done; err == nil {
		t.Error("the callback went on after its call")
	}
	f.idle(t)
}

// idle waits until no call and no callback is counted.
func (f *fixture) idle(t *testing.T) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		calls, open := len(f.calls), len(f.open)
		f.mu.Unlock()
		if calls == 0 && open == 0 {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%d calls and callbacks of %d tenants are left", calls, open)
		}
	}
}

// beyond: callbacks of a call
//
// TestServer_callbacksOfACall checks that a call has no more callbacks at once than the bound.
func TestServer_callbacksOfACall(t *testing.T) {
	f := serve(t, sdk.HostEmbed)
	token, end := f.Begin(context.Background(), sdk.Call{Tenant: "t"}, f.roles)
	var all []<-chan error
	for range bounds.CallbacksEach {
		all = append(all, f.embed(token))
		<-f.nested.began
	}
	if err := <-f.embed(token); !fault.Is(err, fault.RateLimited) {
		t.Errorf("one more gives %v", err)
	}
	close(f.nested.free)
	for _, done := range all {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	end()
	f.idle(t)
}

// beyond: callbacks of a tenant
//
// TestServer_callbacksOfATenant checks that the callbacks of a tenant leave room for another one.
func TestServer_callbacksOfATenant(t *testing.T) {
	f := serve(t, sdk.HostEmbed)
	second := &fixture{Server: f.Server, nested: f.nested, HostServiceClient: hostv1.NewHostServiceClient(f.dial(t))}
	var all []<-chan error
	begin := func(tenant string) string {
		token, end := f.Begin(context.Background(), sdk.Call{Tenant: tenant}, f.roles)
		t.Cleanup(end)
		return token
	}
	for range bounds.CallbacksOfTenant / bounds.CallbacksEach {
		token := begin("flood")
		for n := range bounds.CallbacksEach {
			by := f
			if n%2 == 0 {
				by = second
			}
			all = append(all, by.embed(token))
			<-f.nested.began
		}
	}
	if err := <-f.embed(begin("flood")); !fault.Is(err, fault.RateLimited) {
		t.Errorf("one more gives %v", err)
	}
	all = append(all, f.embed(begin("other")))
	<-f.nested.began
	close(f.nested.free)
	for _, done := range all {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// beyond: callbacks of a process
//
// TestServer_connections checks that a process has no more connections than the bound, and that a
// closed connection makes room for another.
func TestServer_connections(t *testing.T) {
	f := serve(t, sdk.HostEmbed)
	close(f.nested.free)
	token, end := f.Begin(context.Background(), sdk.Call{Tenant: "t"}, f.roles)
	defer end()
	call := func(conn *grpc.ClientConn) error {
		_, err := hostv1.NewHostServiceClient(conn).Embed(with(token), &hostv1.EmbedRequest{Role: "embedding"})
		return err
	}
	var conns []*grpc.ClientConn
	for range bounds.CallbackConnections {
		conn := f.dial(t)
		if err := call(conn); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	if err := call(f.dial(t)); err == nil {
		t.Error("one more connection was taken")
	}
	_ = conns[0].Close()
	for limit := time.Now().Add(20 * time.Second); call(f.dial(t)) != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("a closed connection made no room")
		}
	}
}

// beyond: answer to a callback
//
// TestServer_answer checks that the host does not send an answer that is larger than the bound.
func TestServer_answer(t *testing.T) {
	f := serve(t, sdk.HostEmbed)
	f.nested.large = sdk.MaxHostAnswerBytes
	close(f.nested.free)
	token, end := f.Begin(context.Background(), sdk.Call{Tenant: "t"}, map[string]Nested{"embedding": f.nested})
	defer end()
	if err := <-f.embed(token); err == nil {
		t.Error("the answer was sent")
	}
}

// TestListener_foreign checks that a connection of a process that is not the plugin's is closed
// before anything is read.
func TestListener_foreign(t *testing.T) {
	f := serve(t, sdk.HostEmbed)
	l, err := listen(f.path + "2")
	if err != nil {
		t.Fatal(err)
	}
	reasons := make(chan string, 1)
	l.owns, l.refused = func(int) bool { return false }, func(reason string) { reasons <- reason }
	accepted := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		accepted <- err
	}()
	conn, err := net.Dial("unix", f.path+"2")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if got := <-reasons; !strings.Contains(got, "not the plugin's") {
		t.Errorf("the reason is %q", got)
	}
	_ = l.Close()
	<-accepted
}
