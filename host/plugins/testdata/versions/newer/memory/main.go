// Command memory is a memory plugin of a newer protocol than the host. It recalls what it was last given
// to remember.
package main

import (
	"context"
	"sync"

	chatv1 "github.com/botyard/botyard/host/plugins/testdata/versions/newer/gen/botyard/chat/v1"
	memoryv1 "github.com/botyard/botyard/host/plugins/testdata/versions/newer/gen/botyard/memory/v1"
	pluginv1 "github.com/botyard/botyard/host/plugins/testdata/versions/newer/gen/botyard/plugin/v1"
	"github.com/botyard/botyard/host/plugins/testdata/versions/serve"
	"google.golang.org/grpc"
)

type plugin struct {
	pluginv1.UnimplementedPluginServiceServer
	memoryv1.UnimplementedMemoryServiceServer

	mu   sync.Mutex
	kept []*chatv1.Message
}

func main() {
	p := &plugin{}
	serve.Main(func(s *grpc.Server) {
		pluginv1.RegisterPluginServiceServer(s, p)
		memoryv1.RegisterMemoryServiceServer(s, p)
	})
}

func (*plugin) GetInfo(context.Context, *pluginv1.GetInfoRequest) (*pluginv1.GetInfoResponse, error) {
	return &pluginv1.GetInfoResponse{Kind: "memory", Name: "newer", Version: "newer", Homepage: "https://example.org",
		Services:     []string{"botyard.memory.v2.MemoryService", "botyard.memory.v1.MemoryService", "botyard.plugin.v1.PluginService", "grpc.health.v1.Health"},
		Features:     []string{"remember", "forget", "telepathy"},
		ConfigSchema: []byte(`{"type": "object"}`)}, nil
}

func (*plugin) Configure(context.Context, *pluginv1.ConfigureRequest) (*pluginv1.ConfigureResponse, error) {
	return &pluginv1.ConfigureResponse{Mood: "fine", MemoryNeeds: &pluginv1.MemoryNeeds{Sleep: true, Tail: 2, Recall: true, Remember: true}}, nil
}

func (*plugin) Release(context.Context, *pluginv1.ReleaseRequest) (*pluginv1.ReleaseResponse, error) {
	return &pluginv1.ReleaseResponse{}, nil
}

// Remember keeps the messages of the turns, and adds a hologram to each.
func (p *plugin) Remember(_ context.Context, req *memoryv1.RememberRequest) (*memoryv1.RememberResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = nil
	last := req.After
	for _, e := range req.Events {
		t := e.GetTurn()
		last = t.GetSequence()
		for _, m := range t.GetMessages() {
			m.Parts = append(m.Parts, &chatv1.Part{Part: &chatv1.Part_Hologram{Hologram: &chatv1.Hologram{Shape: "cube"}}})
			p.kept = append(p.kept, m)
		}
	}
	return &memoryv1.RememberResponse{Sequence: last}, nil
}

func (p *plugin) Recall(context.Context, *memoryv1.RecallRequest) (*memoryv1.RecallResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	resp := &memoryv1.RecallResponse{Mood: "fine"}
	for _, m := range p.kept {
		resp.Items = append(resp.Items, &memoryv1.Item{Message: m})
	}
	return resp, nil
}
