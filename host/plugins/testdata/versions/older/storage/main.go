// Command storage is a storage plugin of an older protocol than the host. It keeps nothing.
package main

import (
	"context"

	pluginv1 "github.com/botyard/botyard/host/plugins/testdata/versions/older/gen/botyard/plugin/v1"
	storagev1 "github.com/botyard/botyard/host/plugins/testdata/versions/older/gen/botyard/storage/v1"
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
	return &pluginv1.GetInfoResponse{Kind: "storage", Name: "older", Version: "older",
		Services:     []string{"botyard.storage.v1.StorageService", "botyard.plugin.v1.PluginService", "grpc.health.v1.Health"},
		ConfigSchema: []byte(`{"type": "object"}`)}, nil
}

func (plugin) Begin(context.Context, *storagev1.BeginRequest) (*storagev1.BeginResponse, error) {
	return &storagev1.BeginResponse{Outcome: &storagev1.BeginResponse_Started{Started: &storagev1.Started{Sequence: 1, Fence: "f"}}}, nil
}

func (plugin) List(context.Context, *storagev1.ListRequest) (*storagev1.ListResponse, error) {
	return &storagev1.ListResponse{}, nil
}
