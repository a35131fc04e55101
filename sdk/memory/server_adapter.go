package memory

import (
	"context"

	"github.com/botyard/botyard/sdk"
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
	in := &RecallRequest{Call: sdk.CallFromProto(req.Call), Messages: wire.MessagesFrom(req.Messages), BudgetTokens: req.BudgetTokens}
	for _, t := range req.Tail {
		in.Tail = append(in.Tail, turnFromProto(t))
	}
	for _, r := range req.Retractions {
		in.Retractions = append(in.Retractions, retractionFromProto(r))
	}
	r, err := v.Recall(ctx, in)
	if err != nil {
		return nil, err
	}
	resp := &memoryv1.RecallResponse{Problems: boundedProblems(r.Problems)}
	// The host shows the model at most sdk.MaxTailBytes, so that older messages need not be sent.
	for _, item := range newestItems(r.Items, sdk.MaxMessageBytes/2) {
		resp.Items = append(resp.Items, itemToProto(item))
	}
	return resp, nil
}

// newestItems returns the last of the items whose messages have at most so many bytes together.
func newestItems(items []Item, bytes int) []Item {
	first := len(items)
	for first > 0 {
		if bytes -= items[first-1].Message.Size() + eventOverhead; bytes < 0 {
			break
		}
		first--
	}
	return items[first:]
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
	in := &RememberRequest{Call: sdk.CallFromProto(req.Call), After: req.After, Events: make([]Event, len(req.Events))}
	for i, e := range req.Events {
		in.Events[i] = eventFromProto(e)
	}
	// An event of a kind that this version does not know must not be skipped.
	if err := in.Validate(); err != nil {
		return nil, err
	}
	n, err := r.Remember(ctx, in)
	return &memoryv1.RememberResponse{Sequence: n}, err
}

func (s *server) Work(ctx context.Context, req *memoryv1.WorkRequest) (*memoryv1.WorkResponse, error) {
	v, done, err := s.set.Get(req.GetCall().GetInstance())
	if err != nil {
		return nil, err
	}
	defer done()
	w, ok := v.(Worker)
	if !ok {
		return nil, fault.New(fault.Unsupported, "this memory has no work to do in the background")
	}
	next, more, err := w.Work(ctx, sdk.CallFromProto(req.Call), req.Cursor)
	return &memoryv1.WorkResponse{Cursor: next, More: more}, err
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
