package plugins

import (
	"context"
	"errors"
	"io"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/host/plugins/services"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"google.golang.org/grpc"
)

// openNested opens the instance of a nested plugin. It returns an error if the plugin cannot do what
// its role needs.
func (m *Manager) openNested(ctx context.Context, spec Spec) (*Instance, error) {
	n, err := m.Open(ctx, spec)
	if err != nil {
		return nil, err
	}
	if spec.Role == llm.RoleEmbedding && !process.HasFeature(n.sup.lastInfo(), feature.Embed) {
		n.Close()
		f := fault.New(fault.Invalid, "the %s embeds no texts, and a nested plugin with the role %q must", n.sup.ref, spec.Role).By(fault.PartyTenant)
		return nil, n.withKey(f.From(fault.OriginSettings))
	}
	return n, nil
}

// nestedCaller calls a nested plugin for a callback. The messages are passed on as they are. The
// callback waits for a slot of the nested plugin like every call of the tenant. The call of the
// outer plugin keeps its own slot meanwhile. No calls can wait for each other in a circle, because a
// nested plugin is of a kind that has no nested plugins.
type nestedCaller struct{ i *Instance }

var _ services.Nested = nestedCaller{}

// Embed implements services.Nested.
func (n nestedCaller) Embed(ctx context.Context, call sdk.Call, req *llmv1.EmbedRequest) (*llmv1.EmbedResponse, error) {
	if len(req.Texts) > sdk.MaxEmbedTexts {
		return nil, fault.New(fault.Invalid, "embedding %d texts at once: at most %d", len(req.Texts), sdk.MaxEmbedTexts).By(fault.PartyPlugin)
	}
	var out *llmv1.EmbedResponse
	err := n.i.call(ctx, callOptions{tenant: call.Tenant}, func(ctx context.Context, t target) (err error) {
		req.Call = sdk.CallToProto(call, t.id)
		if out, err = llmv1.NewLLMServiceClient(t.conn).Embed(ctx, req); err != nil {
			return fault.Of(err)
		}
		return nil
	})
	if out != nil {
		out.Model = n.i.m.sanitizer.Clean(out.Model, process.MaxNameBytes)
	}
	return out, err
}

// Generate implements services.Nested. Its call has no call timeout, only the deadline of ctx.
func (n nestedCaller) Generate(ctx context.Context, call sdk.Call, req *llmv1.ChatRequest, send func(*llmv1.ChatResponse) error) error {
	sent := false
	o := callOptions{tenant: call.Tenant, unbounded: true, final: func() bool { return sent }}
	err := n.i.call(ctx, o, func(ctx context.Context, t target) error {
		ctx, cancel := context.WithCancel(ctx) // frees the stream
		defer cancel()
		req.Call = sdk.CallToProto(call, t.id)
		stream, err := llmv1.NewLLMServiceClient(t.conn).Chat(ctx, req)
		for err == nil {
			var m *llmv1.ChatResponse
			if m, err = stream.Recv(); err != nil {
				break
			}
			sent = true
			t.permit.AnswerBegan()
			if f := m.GetFinish(); f != nil {
				f.Model = n.i.m.sanitizer.Clean(f.Model, process.MaxNameBytes)
			}
			if err := send(m); err != nil {
				return &callerError{err}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		return fault.Of(err)
	})
	if own, ok := err.(*callerError); ok {
		err = own.err
	}
	return err
}

// conn returns the connection on which a call is sent to the process. If the called instance has
// nested plugins, each request gets a call token.
func (w *worker) conn(o callOptions) grpc.ClientConnInterface {
	if w.Host == nil || o.nested == nil {
		return w.Conn
	}
	return tokenConn{w.Conn, w.Host, o.nested}
}

// tokenConn gives each unary request a call token, which ends with the call. What the token stands
// for is taken from the call context that the host itself wrote into the request.
type tokenConn struct {
	grpc.ClientConnInterface
	host   *services.Server
	nested map[string]services.Nested
}

// Invoke implements grpc.ClientConnInterface.
func (c tokenConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	if m, ok := args.(interface{ GetCall() *chatv1.CallContext }); ok && m.GetCall() != nil {
		token, end := c.host.Begin(ctx, sdk.CallFromProto(m.GetCall()), c.nested)
		defer end()
		m.GetCall().CallToken = token
	}
	return c.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
}
