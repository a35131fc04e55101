package llm

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	hostv1 "github.com/botyard/botyard/sdk/proto/botyard/host/v1"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// The roles of nested plugins.
const (
	RoleEmbedding = "embedding" // the nested plugin embeds texts; needs sdk.HostEmbed
	RoleLLM       = "llm"       // the nested plugin generates text; needs sdk.HostGenerate
)

// Nested is a nested plugin, which its outer plugin calls through the host. The Call of each request
// is the Call of the host's call that the outer plugin works on. A request outside of such a call
// fails. Any number of goroutines may use a Nested.
type Nested struct {
	client *Client // nil if the configuration does not have the role
	role   string
}

var (
	_ LLM      = (*Nested)(nil)
	_ Embedder = (*Nested)(nil)
)

// NewNested returns the nested plugin of the role. The constructor of an instance calls it.
func NewNested(env sdk.Env, role string) *Nested {
	n := &Nested{role: role}
	for _, has := range env.Roles {
		if has == role && env.Host != nil {
			n.client = &Client{rpc: nestedClient{hostv1.NewHostServiceClient(env.Host), role}}
		}
	}
	return n
}

// Configured reports whether the configuration has a nested plugin block with the role.
func (n *Nested) Configured() bool { return n.client != nil }

// Chat implements LLM.
func (n *Nested) Chat(ctx context.Context, req *Request, emit func(Delta) error) (*Finish, error) {
	if n.client == nil {
		return nil, n.missing()
	}
	return n.client.Chat(ctx, req, emit)
}

// Embed implements Embedder. The texts have at most sdk.MaxHostRequestBytes together.
func (n *Nested) Embed(ctx context.Context, req *EmbedRequest) (*Embeddings, error) {
	if n.client == nil {
		return nil, n.missing()
	}
	return n.client.Embed(ctx, req)
}

func (n *Nested) missing() error {
	return fault.New(fault.Invalid, "the configuration has no nested plugin block with the role %q", n.role).By(fault.PartyTenant)
}

// nestedClient implements the client of LLMService by the host's services.
type nestedClient struct {
	rpc  hostv1.HostServiceClient
	role string
}

var _ llmv1.LLMServiceClient = nestedClient{}

// Chat implements llmv1.LLMServiceClient.
func (n nestedClient) Chat(ctx context.Context, in *llmv1.ChatRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[llmv1.ChatResponse], error) {
	ctx = withCallToken(ctx, in.GetCall().GetCallToken())
	in.Call = nil // the host fills it in
	if err := checkHostRequest(in); err != nil {
		return nil, err
	}
	stream, err := n.rpc.Generate(ctx, &hostv1.GenerateRequest{Role: n.role, Request: in}, opts...)
	if err != nil {
		return nil, err
	}
	return nestedStream{stream, stream}, nil
}

// Embed implements llmv1.LLMServiceClient.
func (n nestedClient) Embed(ctx context.Context, in *llmv1.EmbedRequest, opts ...grpc.CallOption) (*llmv1.EmbedResponse, error) {
	ctx = withCallToken(ctx, in.GetCall().GetCallToken())
	in.Call = nil // the host fills it in
	if err := checkHostRequest(in); err != nil {
		return nil, err
	}
	out, err := n.rpc.Embed(ctx, &hostv1.EmbedRequest{Role: n.role, Request: in}, opts...)
	if err != nil {
		return nil, err
	}
	if out.Response == nil {
		return &llmv1.EmbedResponse{}, nil
	}
	return out.Response, nil
}

// nestedStream returns the responses of LLMService.Chat that a stream of the host has.
type nestedStream struct {
	grpc.ClientStream
	host grpc.ServerStreamingClient[hostv1.GenerateResponse]
}

// Recv implements grpc.ServerStreamingClient.
func (s nestedStream) Recv() (*llmv1.ChatResponse, error) {
	m, err := s.host.Recv()
	if err != nil {
		return nil, err
	}
	if m.Response == nil {
		return &llmv1.ChatResponse{}, nil
	}
	return m.Response, nil
}

func withCallToken(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, sdk.CallTokenMetadata, token)
}

// checkHostRequest returns fault.Invalid for a request that is larger than the host accepts.
func checkHostRequest(m proto.Message) error {
	if n := proto.Size(m); n > sdk.MaxHostRequestBytes {
		return fault.New(fault.Invalid, "a request to a nested plugin has %d bytes, more than %d", n, sdk.MaxHostRequestBytes).By(fault.PartyPlugin)
	}
	return nil
}
