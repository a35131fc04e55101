package llm

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/internal/instances"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"google.golang.org/grpc"
)

// CapEmbed is the capability of a plugin whose instances are Embedders.
const CapEmbed = "embed"

// NewPlugin returns a plugin that tenants select with llm.provider = name. C is the configuration
// struct, whose tags package schema describes. open builds an instance from a configuration, and
// must not fail when an upstream is down. A plugin whose instances implement Embedder declares
// sdk.Capability(CapEmbed).
func NewPlugin[C any](name, version string, open func(ctx context.Context, cfg C, env sdk.Env) (LLM, error), opts ...sdk.Option) sdk.Plugin {
	b := instances.New(open, func(s *grpc.Server, set *instances.Set[LLM]) {
		llmv1.RegisterLLMServiceServer(s, &server{set: set})
	})
	info := sdk.Info{Kind: Kind, Name: name, Version: version, ConfigSchema: b.Schema,
		Services: []string{llmv1.LLMService_ServiceDesc.ServiceName}}
	for _, o := range opts {
		o(&info)
	}
	return sdk.Plugin{Info: info, Backend: b}
}
