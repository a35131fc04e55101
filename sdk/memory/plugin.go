package memory

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/internal/instances"
	memoryv1 "github.com/botyard/botyard/sdk/proto/botyard/memory/v1"
	"google.golang.org/grpc"
)

// NewPlugin returns a plugin that tenants select with memory.type = name. C is the configuration
// struct, whose tags package schema describes. open builds an instance from a configuration.
func NewPlugin[C any](name, version string, open func(ctx context.Context, cfg C, env sdk.Env) (Memory, error), opts ...sdk.Option) sdk.Plugin {
	b := instances.New(open, func(s *grpc.Server, set *instances.Set[Memory]) {
		memoryv1.RegisterMemoryServiceServer(s, &server{set: set})
	})
	b.Needs = needsOf
	info := sdk.Info{Kind: Kind, Name: name, Version: version, ConfigSchema: b.Schema,
		Services: []string{memoryv1.MemoryService_ServiceDesc.ServiceName}}
	for _, o := range opts {
		o(&info)
	}
	return sdk.Plugin{Info: info, Backend: b}
}

func needsOf(m Memory) (*sdk.MemoryNeeds, error) {
	n := m.Needs()
	if n.Tail < 0 || n.Tail > MaxTail {
		return nil, fault.New(fault.Internal, "the memory asks for a tail of %d, beyond 0 to %d", n.Tail, MaxTail).By(fault.PartyPlugin)
	}
	if _, ok := m.(Rememberer); n.Remember && !ok {
		return nil, fault.New(fault.Internal, "the memory wants to remember and has no Remember").By(fault.PartyPlugin)
	}
	return &sdk.MemoryNeeds{Tail: n.Tail, Recall: n.Recall, Remember: n.Remember}, nil
}
