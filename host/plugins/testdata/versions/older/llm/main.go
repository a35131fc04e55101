// Command llm is an LLM plugin of an older protocol than the host. It refuses what it cannot take, and
// otherwise says what it was sent that it does not know.
package main

import (
	"context"
	"fmt"
	"strings"

	chatv1 "github.com/botyard/botyard/host/plugins/testdata/versions/older/gen/botyard/chat/v1"
	llmv1 "github.com/botyard/botyard/host/plugins/testdata/versions/older/gen/botyard/llm/v1"
	pluginv1 "github.com/botyard/botyard/host/plugins/testdata/versions/older/gen/botyard/plugin/v1"
	"github.com/botyard/botyard/host/plugins/testdata/versions/serve"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
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
	return &pluginv1.GetInfoResponse{Kind: "llm", Name: "older", Version: "older",
		Services:     []string{"botyard.llm.v1.LLMService", "botyard.plugin.v1.PluginService", "grpc.health.v1.Health"},
		ConfigSchema: []byte(`{"type": "object"}`)}, nil
}

// Configure refuses a configuration with a field that it does not know.
func (plugin) Configure(_ context.Context, req *pluginv1.ConfigureRequest) (*pluginv1.ConfigureResponse, error) {
	if unknown := unknownOf(req); unknown != "" {
		return nil, status.Error(codes.InvalidArgument, "unknown fields: "+unknown)
	}
	return &pluginv1.ConfigureResponse{}, nil
}

func (plugin) Release(context.Context, *pluginv1.ReleaseRequest) (*pluginv1.ReleaseResponse, error) {
	return &pluginv1.ReleaseResponse{}, nil
}

// Chat refuses a part of a kind that it does not know. It replies with the fields that it does not know.
func (plugin) Chat(req *llmv1.ChatRequest, stream grpc.ServerStreamingServer[llmv1.ChatResponse]) error {
	for i, m := range req.Messages {
		for j, p := range m.Parts {
			if p.Part == nil {
				return status.Errorf(codes.Unimplemented, "messages.%d.parts.%d: a part of an unknown kind", i, j)
			}
		}
	}
	return stream.Send(&llmv1.ChatResponse{
		Part:   &chatv1.Part{Part: &chatv1.Part_Text{Text: "unknown: " + unknownOf(req)}},
		Finish: &llmv1.Finish{Reason: llmv1.Finish_REASON_STOP},
	})
}

// unknownOf returns the paths of the messages in m that have fields which this protocol does not have.
func unknownOf(m proto.Message) string {
	var out []string
	_ = protorange.Range(m.ProtoReflect(), func(v protopath.Values) error { // the function returns no error
		last := v.Index(-1)
		if last.Step.Kind() == protopath.UnknownAccessStep {
			out = append(out, fmt.Sprintf("%s %x", v.Path, []byte(last.Value.Bytes())))
		}
		return nil
	})
	return strings.Join(out, ", ")
}
