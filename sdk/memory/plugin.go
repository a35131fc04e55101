package memory

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/internal/instances"
	memoryv1 "github.com/botyard/botyard/sdk/proto/botyard/memory/v1"
	"google.golang.org/grpc"
)

// extras are the interfaces that a Memory may implement too.
var extras = []instances.Extra{instances.NewExtra[Rememberer](feature.Remember), instances.NewExtra[Forgetter](feature.Forget), instances.NewExtra[Worker](feature.Work)}

// NewPlugin returns a plugin that tenants select with memory.type = name. C is the configuration
// struct, whose tags package schema describes. open builds an instance from a configuration. The
// plugin has the features feature.Remember, feature.Forget and feature.Work if I, the type that open
// returns, implements Rememberer, Forgetter and Worker.
func NewPlugin[C any, I Memory](name, version string, open func(ctx context.Context, cfg C, env sdk.Env) (I, error), opts ...sdk.Option) sdk.Plugin {
	b := instances.New(instances.As[Memory](open), func(s *grpc.Server, set *instances.Set[Memory]) {
		memoryv1.RegisterMemoryServiceServer(s, &server{set: set})
	})
	b.Needs = needsOf
	info := instances.NewInfo[I](Kind, name, version, b.Schema, []string{memoryv1.MemoryService_ServiceDesc.ServiceName}, extras, opts)
	b.Features, b.Extras = info.Features, extras
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
	if _, ok := m.(Forgetter); n.Remember && !ok {
		return nil, fault.New(fault.Internal, "the memory wants to remember and has no Forget").By(fault.PartyPlugin)
	}
	if len(n.StoreKey) > sdk.MaxStoreKeyBytes {
		return nil, fault.New(fault.Internal, "the memory has a store key of %d bytes; at most %d are taken", len(n.StoreKey), sdk.MaxStoreKeyBytes).By(fault.PartyPlugin)
	}
	return &sdk.MemoryNeeds{Tail: n.Tail, Recall: n.Recall, Remember: n.Remember, StoreKey: n.StoreKey}, nil
}
