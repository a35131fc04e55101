package memory

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/internal/instances"
	"github.com/botyard/botyard/sdk/internal/wire"
	memoryv1 "github.com/botyard/botyard/sdk/proto/botyard/memory/v1"
)

type server struct {
	memoryv1.UnimplementedMemoryServiceServer
	set *instances.Set[Memory]
}

func (s *server) Recall(ctx context.Context, req *memoryv1.RecallRequest) (*memoryv1.RecallResponse, error) {
	v, done, err := s.set.Get(req.GetCall().GetInstance())
	if err != nil {
		return nil, err
	}
	defer done()
	ms, err := v.Recall(ctx, &RecallRequest{Call: sdk.CallFromProto(req.Call),
		Tail: wire.MessagesFrom(req.Tail), Message: wire.MessageFrom(req.Message)})
	if err != nil {
		return nil, err
	}
	// The host shows the model at most sdk.MaxTailBytes, so that older messages need not be sent.
	return &memoryv1.RecallResponse{Messages: wire.Messages(chat.Newest(ms, sdk.MaxMessageBytes/2))}, nil
}

func (s *server) Remember(ctx context.Context, req *memoryv1.RememberRequest) (*memoryv1.RememberResponse, error) {
	v, done, err := s.set.Get(req.GetCall().GetInstance())
	if err != nil {
		return nil, err
	}
	defer done()
	r, ok := v.(Rememberer)
	if !ok {
		return nil, fault.New(fault.Unsupported, "this memory does not remember turns")
	}
	turns := make([]Turn, len(req.Turns))
	for i, t := range req.Turns {
		turns[i] = Turn{Number: t.Number, Messages: wire.MessagesFrom(t.Messages)}
	}
	return &memoryv1.RememberResponse{}, r.Remember(ctx, sdk.CallFromProto(req.Call), turns)
}

func (s *server) Forget(ctx context.Context, req *memoryv1.ForgetRequest) (*memoryv1.ForgetResponse, error) {
	v, done, err := s.set.Get(req.GetCall().GetInstance())
	if err != nil {
		return nil, err
	}
	defer done()
	f, ok := v.(Forgetter)
	if !ok {
		return nil, fault.New(fault.Unsupported, "this memory stores nothing to forget")
	}
	return &memoryv1.ForgetResponse{}, f.Forget(ctx, sdk.CallFromProto(req.Call))
}
