package llm

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/internal/instances"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	"google.golang.org/grpc"
)

// extras are the interfaces that an LLM may implement too.
var extras = []instances.Extra{instances.NewExtra[Embedder](feature.Embed)}

// NewPlugin returns a plugin that tenants select with llm.provider = name. C is the configuration
// struct, whose tags package schema describes. open builds an instance from a configuration, and
// must not fail when an upstream is down. The plugin has the feature feature.Embed if I, the type
// that open returns, implements Embedder.
func NewPlugin[C any, I LLM](name, version string, open func(ctx context.Context, cfg C, env sdk.Env) (I, error), opts ...sdk.Option) sdk.Plugin {
	b := instances.New(instances.As[LLM](open), func(s *grpc.Server, set *instances.Set[LLM]) {
		llmv1.RegisterLLMServiceServer(s, &server{set: set})
	})
	info := instances.NewInfo[I](Kind, name, version, b.Schema, []string{llmv1.LLMService_ServiceDesc.ServiceName}, extras, opts)
	b.Features, b.Extras = info.Features, extras
	return sdk.Plugin{Info: info, Backend: b}
}
