// Command llm is an LLM plugin of a newer protocol than the host. Its replies have what today's protocol
// does not have.
package main

import (
	"context"

	chatv1 "github.com/botyard/botyard/host/plugins/testdata/versions/newer/gen/botyard/chat/v1"
	llmv1 "github.com/botyard/botyard/host/plugins/testdata/versions/newer/gen/botyard/llm/v1"
	pluginv1 "github.com/botyard/botyard/host/plugins/testdata/versions/newer/gen/botyard/plugin/v1"
	"github.com/botyard/botyard/host/plugins/testdata/versions/serve"
	"google.golang.org/grpc"
)

type plugin struct {
	pluginv1.UnimplementedPluginServiceServer
	llmv1.UnimplementedLLMServiceServer
}

func main() {
	serve.Main(func(s *grpc.Server) {
		pluginv1.RegisterPluginServiceServer(s, plugin{})
		llmv1.RegisterLLMServiceServer(s, plugin{})
	})
}

func (plugin) GetInfo(context.Context, *pluginv1.GetInfoRequest) (*pluginv1.GetInfoResponse, error) {
	return &pluginv1.GetInfoResponse{Kind: "llm", Name: "newer", Version: "newer", Homepage: "https://example.org",
		Services:     []string{"botyard.llm.v2.LLMService", "botyard.llm.v1.LLMService", "botyard.plugin.v1.PluginService", "grpc.health.v1.Health"},
		Features:     []string{"tools", "telepathy"},
		ConfigSchema: []byte(`{"type": "object"}`)}, nil
}

func (plugin) Configure(context.Context, *pluginv1.ConfigureRequest) (*pluginv1.ConfigureResponse, error) {
	return &pluginv1.ConfigureResponse{Mood: "fine", Maker: "m", Llm: &pluginv1.LLMTraits{Humour: true, ContextTokens: 100}}, nil
}

func (plugin) Release(context.Context, *pluginv1.ReleaseRequest) (*pluginv1.ReleaseResponse, error) {
	return &pluginv1.ReleaseResponse{}, nil
}

// Chat replies with the shape of the first hologram of the request. If there is none, it replies with a
// hologram between two texts.
func (plugin) Chat(req *llmv1.ChatRequest, stream grpc.ServerStreamingServer[llmv1.ChatResponse]) error {
	for _, m := range req.Messages {
		for _, p := range m.Parts {
			if h := p.GetHologram(); h != nil {
				return stream.Send(&llmv1.ChatResponse{Part: text("a " + h.Shape), Finish: &llmv1.Finish{Reason: llmv1.Finish_REASON_STOP}})
			}
		}
	}
	for _, p := range []*chatv1.Part{text("before"), {Part: &chatv1.Part_Hologram{Hologram: &chatv1.Hologram{Shape: "cube"}}}, text("after"), nil} {
		if err := stream.Send(&llmv1.ChatResponse{Part: p, Mood: "fine"}); err != nil {
			return err
		}
	}
	return stream.Send(&llmv1.ChatResponse{Finish: &llmv1.Finish{Reason: llmv1.Finish_REASON_BOREDOM, Mood: "fine", Usage: &chatv1.Usage{OutputTokens: 3}}})
}

func text(text string) *chatv1.Part { return &chatv1.Part{Part: &chatv1.Part_Text{Text: text}} }
