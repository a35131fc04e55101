// Command storage is a storage plugin of a newer protocol than the host. It keeps nothing.
package main

import (
	"context"

	pluginv1 "github.com/botyard/botyard/host/plugins/testdata/versions/newer/gen/botyard/plugin/v1"
	storagev1 "github.com/botyard/botyard/host/plugins/testdata/versions/newer/gen/botyard/storage/v1"
	"github.com/botyard/botyard/host/plugins/testdata/versions/serve"
	"google.golang.org/grpc"
)

type plugin struct {
	pluginv1.UnimplementedPluginServiceServer
	storagev1.UnimplementedStorageServiceServer
}

func (plugin) Configure(context.Context, *pluginv1.ConfigureRequest) (*pluginv1.ConfigureResponse, error) {
	return &pluginv1.ConfigureResponse{}, nil
}

func (plugin) Release(context.Context, *pluginv1.ReleaseRequest) (*pluginv1.ReleaseResponse, error) {
	return &pluginv1.ReleaseResponse{}, nil
}

func (plugin) Commit(context.Context, *storagev1.CommitRequest) (*storagev1.CommitResponse, error) {
	return &storagev1.CommitResponse{Number: 1}, nil
}

func main() {
	serve.Main(func(s *grpc.Server) {
		pluginv1.RegisterPluginServiceServer(s, plugin{})
		storagev1.RegisterStorageServiceServer(s, plugin{})
	})
}

func (plugin) GetInfo(context.Context, *pluginv1.GetInfoRequest) (*pluginv1.GetInfoResponse, error) {
	return &pluginv1.GetInfoResponse{Kind: "storage", Name: "newer", Version: "newer", Homepage: "https://example.org",
		Services:     []string{"botyard.storage.v2.StorageService", "botyard.storage.v1.StorageService", "botyard.plugin.v1.PluginService", "grpc.health.v1.Health"},
		Features:     []string{"owners", "telepathy"},
		ConfigSchema: []byte(`{"type": "object"}`)}, nil
}

// Begin answers the first conversation with an outcome that today's protocol does not have, and all
// others with a field that it does not have.
func (plugin) Begin(_ context.Context, req *storagev1.BeginRequest) (*storagev1.BeginResponse, error) {
	if req.GetCall().GetConversation() == "later" {
		return &storagev1.BeginResponse{Outcome: &storagev1.BeginResponse_Later{Later: &storagev1.Later{Reason: "a nap"}}}, nil
	}
	return &storagev1.BeginResponse{Outcome: &storagev1.BeginResponse_Started{Started: &storagev1.Started{Sequence: 1, Fence: "f", Weather: "mild"}}}, nil
}

// Read returns a turn in a state that today's protocol does not have.
func (plugin) Read(context.Context, *storagev1.ReadRequest) (*storagev1.ReadResponse, error) {
	return &storagev1.ReadResponse{Turns: []*storagev1.Turn{{Sequence: 1, State: storagev1.TurnState_TURN_STATE_DREAMT, Weather: "mild"}}}, nil
}
