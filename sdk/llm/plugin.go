package llm

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/internal/instances"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"google.golang.org/grpc"
)

// CapEmbed is the capability of plugins whose instances are Embedders.
const CapEmbed = "embed"

// NewPlugin makes a plugin that configurations select as llm.provider = name. C is
// the configuration struct (package schema says which tags it has); open makes an
// instance from it, and must not depend on an upstream that may be down. A plugin
// whose instances implement Embedder says so with sdk.Capability(CapEmbed).
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
