package services

import (
	"context"

	"github.com/botyard/botyard/sdk/fault"
	hostv1 "github.com/botyard/botyard/sdk/proto/botyard/host/v1"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"google.golang.org/grpc"
)

// begin returns the nested plugin of the role, and the context of the nested call. The context has
// the deadline of the host's call.
func begin(ctx context.Context, role string) (context.Context, context.CancelFunc, *tokenCall, Nested, error) {
	c := ctx.Value(callKey{}).(*tokenCall) // set by tap
	n := c.nested[role]
	if n == nil {
		return nil, nil, nil, nil, fault.New(fault.Invalid, "the configuration has no nested plugin with the role %q", role).By(fault.PartyPlugin)
	}
	if deadline, ok := c.ctx.Deadline(); ok {
		ctx, cancel := context.WithDeadline(ctx, deadline)
		return ctx, cancel, c, n, nil
	}
	return ctx, func() {}, c, n, nil
}

// Embed implements hostv1.HostServiceServer.
func (s *Server) Embed(ctx context.Context, req *hostv1.EmbedRequest) (*hostv1.EmbedResponse, error) {
	ctx, cancel, c, n, err := begin(ctx, req.Role)
	if err != nil {
		return nil, err
	}
	defer cancel()
	in := req.Request
	if in == nil {
		in = &llmv1.EmbedRequest{}
	}
	out, err := n.Embed(ctx, c.call, in)
	meterOf(c.ctx).add(Callback{Role: req.Role, Tokens: out.GetUsage(), Failed: err != nil})
	if err != nil {
		return nil, err
	}
	return &hostv1.EmbedResponse{Response: out}, nil
}

// Generate implements hostv1.HostServiceServer.
func (s *Server) Generate(req *hostv1.GenerateRequest, stream grpc.ServerStreamingServer[hostv1.GenerateResponse]) error {
	ctx, cancel, c, n, err := begin(stream.Context(), req.Role)
	if err != nil {
		return err
	}
	defer cancel()
	in := req.Request
	if in == nil {
		in = &llmv1.ChatRequest{}
	}
	done := Callback{Role: req.Role}
	err = n.Generate(ctx, c.call, in, func(m *llmv1.ChatResponse) error {
		if m.Usage != nil {
			done.Tokens = m.Usage
		}
		if u := m.GetFinish().GetUsage(); u != nil {
			done.Tokens = u
		}
		return stream.Send(&hostv1.GenerateResponse{Response: m})
	})
	done.Failed = err != nil
	meterOf(c.ctx).add(done)
	return err
}
