// Package hosttest has a fake of the host's services, for tests of plugins that call nested plugins.
package hosttest

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	hostv1 "github.com/botyard/botyard/sdk/proto/botyard/host/v1"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"
)

// Token is the only call token that a Host takes. A test gives it to the plugin in sdk.Call.Token.
const Token = "the-token-of-a-test"

// Host is a fake of the host's services. Close frees it.
type Host struct {
	models map[string]llm.LLM
	host   *grpc.Server
	inner  *grpc.Server
	conns  []*grpc.ClientConn
}

// New returns a fake host. models has the nested plugin of each role.
func New(models map[string]llm.LLM) (*Host, error) {
	h := &Host{models: models}
	plugin := llm.NewPlugin("nested", "0", func(_ context.Context, cfg role, _ sdk.Env) (llm.LLM, error) {
		return models[cfg.Role], nil
	}, sdk.Feature(feature.Embed))
	for name := range models {
		if _, err := plugin.Backend.Configure(context.Background(), name, []byte(`{"role":"`+name+`"}`), sdk.Env{}); err != nil {
			return nil, err
		}
	}
	log := hclog.NewNullLogger()
	h.inner = grpc.NewServer(sdk.ServerOptions(log)...)
	sdk.Register(h.inner, plugin, log)
	inner, err := h.connect(h.inner)
	if err != nil {
		return nil, err
	}
	h.host = grpc.NewServer(sdk.ServerOptions(log)...)
	hostv1.RegisterHostServiceServer(h.host, &server{models: models, nested: llmv1.NewLLMServiceClient(inner)})
	if _, err := h.connect(h.host); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// role is the configuration of a fake nested plugin.
type role struct {
	Role string `json:"role"`
}

// connect serves and returns a connection to the server.
func (h *Host) connect(s *grpc.Server) (*grpc.ClientConn, error) {
	l := bufconn.Listen(1 << 20)
	go func() { _ = s.Serve(l) }() // Serve returns when Close stops the server
	conn, err := grpc.NewClient("passthrough:fake", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(sdk.MaxHostAnswerBytes)))
	if err == nil {
		h.conns = append(h.conns, conn)
	}
	return conn, err
}

// Env returns env with the fake host and its roles.
func (h *Host) Env(env sdk.Env) sdk.Env {
	env.Host, env.Roles = h.conns[len(h.conns)-1], nil
	for name := range h.models {
		env.Roles = append(env.Roles, name)
	}
	slices.Sort(env.Roles)
	return env
}

// Close stops the fake host.
func (h *Host) Close() {
	for _, c := range h.conns {
		_ = c.Close() // the connections are closed here only
	}
	h.inner.Stop()
	if h.host != nil {
		h.host.Stop()
	}
}

// server sends callbacks on to the nested plugins.
type server struct {
	hostv1.UnimplementedHostServiceServer
	models map[string]llm.LLM
	nested llmv1.LLMServiceClient
}

func (s *server) call(ctx context.Context, name string) (*chatv1.CallContext, error) {
	if got := metadata.ValueFromIncomingContext(ctx, sdk.CallTokenMetadata); len(got) != 1 || got[0] != Token {
		return nil, fault.New(fault.Unauthenticated, "the call token is not that of a call: set sdk.Call.Token to hosttest.Token").By(fault.PartyPlugin)
	}
	if s.models[name] == nil {
		return nil, fault.New(fault.Invalid, "the configuration has no nested plugin with the role %q", name).By(fault.PartyPlugin)
	}
	return &chatv1.CallContext{Instance: name, Tenant: "test"}, nil
}

// Embed implements hostv1.HostServiceServer.
func (s *server) Embed(ctx context.Context, req *hostv1.EmbedRequest) (*hostv1.EmbedResponse, error) {
	call, err := s.call(ctx, req.Role)
	if err != nil {
		return nil, err
	}
	out, err := s.nested.Embed(ctx, &llmv1.EmbedRequest{Call: call, Texts: req.GetRequest().GetTexts()})
	if err != nil {
		return nil, fault.Of(err)
	}
	return &hostv1.EmbedResponse{Response: out}, nil
}

// Generate implements hostv1.HostServiceServer.
func (s *server) Generate(req *hostv1.GenerateRequest, out grpc.ServerStreamingServer[hostv1.GenerateResponse]) error {
	call, err := s.call(out.Context(), req.Role)
	if err != nil {
		return err
	}
	in := req.Request
	if in == nil {
		in = &llmv1.ChatRequest{}
	}
	in.Call = call
	stream, err := s.nested.Chat(out.Context(), in)
	for err == nil {
		var m *llmv1.ChatResponse
		if m, err = stream.Recv(); err == nil {
			err = out.Send(&hostv1.GenerateResponse{Response: m})
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fault.Of(err)
}
