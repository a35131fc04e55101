package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/feature"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	memoryv1 "github.com/botyard/botyard/sdk/proto/botyard/memory/v1"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

// knownServices lists the gRPC services that the host can call, by kind of plugin.
var knownServices = map[string][]string{
	"llm":     {llmv1.LLMService_ServiceDesc.ServiceName},
	"memory":  {memoryv1.MemoryService_ServiceDesc.ServiceName},
	"storage": {storagev1.StorageService_ServiceDesc.ServiceName},
}

// connPlugin makes go-plugin return its gRPC connection. The host's clients of each kind
// use that connection directly.
type connPlugin struct{ plugin.NetRPCUnsupportedPlugin }

var _ plugin.GRPCPlugin = connPlugin{}

// GRPCServer implements plugin.GRPCPlugin. It always returns an error, because the host
// serves no plugin.
func (connPlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the host serves no plugin")
}

// GRPCClient implements plugin.GRPCPlugin. It returns the connection.
func (connPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// newClient returns go-plugin's client of the process. It does not start the process.
func (p *Process) newClient(startTimeout time.Duration) *plugin.Client {
	var r *processRunner
	stdout, stderr := &lineWriter{output: p.output}, &lineWriter{output: p.output}
	p.passedOn = []*lineWriter{stdout, stderr}
	return plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  sdk.Handshake,
		Plugins:          plugin.PluginSet{sdk.PluginSetName: connPlugin{}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(), // the host logs the same events itself
		SkipHostEnv:      true,
		// The start timeout of the host is one second shorter, so that the host's error is
		// returned, which says more than go-plugin's error.
		StartTimeout:     startTimeout + time.Second,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: p.Dir},
		SyncStdout:       stdout,
		SyncStderr:       stderr,
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			r = p.newRunner(cmd.Env)
			return r, nil
		},
		GRPCDialOptions: append(p.dialOptions(),
			grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return r.dial(ctx, addr) }),
			grpc.WithDisableRetry(), // package plugins decides which call is repeated
			grpc.WithIdleTimeout(0),
			// A process has only one connection. A broken connection means that the process
			// has ended.
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
				MinConnectTimeout: startTimeout,
			}),
		),
	})
}

// connect starts the process, waits for the handshake, and returns the connection.
func (p *Process) connect() (*grpc.ClientConn, error) {
	protocol, err := p.client.Client()
	if err != nil {
		return nil, err
	}
	raw, err := protocol.Dispense(sdk.PluginSetName)
	if err != nil {
		return nil, err
	}
	return raw.(*grpc.ClientConn), nil // connPlugin.GRPCClient returns a *grpc.ClientConn
}

// identify tells the plugin what the host knows, asks the plugin for its kind, name,
// version, services, features and schema, and sets Info and Schema. It returns an error if
// kind and name differ from the file name, if the plugin serves no service that the host
// knows, lists too much, takes a negative number of calls at once, or if the schema is invalid.
func (p *Process) identify(ctx context.Context, schemas *schemaCache, hostVersion string) error {
	info, err := pluginv1.NewPluginServiceClient(p.Conn).GetInfo(ctx,
		&pluginv1.GetInfoRequest{HostVersion: hostVersion, Services: feature.Services(), Features: feature.Known()})
	if err != nil {
		return fmt.Errorf("it does not say who it is: %w", err)
	}
	permanent := func(format string, args ...any) error {
		return &StartError{Permanent: true, Err: fmt.Errorf(format, args...)}
	}
	if info.Kind != p.Binary.Kind || info.Name != p.Binary.Name {
		return permanent("%s says that it is the %s plugin %q: its file must be called botyard-%s-%s",
			p.Binary.Path, info.Kind, info.Name, info.Kind, info.Name)
	}
	if !slices.ContainsFunc(info.Services, func(s string) bool { return slices.Contains(knownServices[info.Kind], s) }) {
		return permanent("%s serves %q, and this host knows %q only", p.Binary.Path, info.Services, knownServices[info.Kind])
	}
	if info.MaxConcurrentCalls < 0 {
		return permanent("%s says that it takes %d calls at once: it must be 0, for any number, or more", p.Binary.Path, info.MaxConcurrentCalls)
	}
	for what, names := range map[string][]string{"services": info.Services, "features": info.Features, "host services": info.HostServices} {
		if len(names) > sdk.MaxListedNames {
			return permanent("%s lists %d %s, and at most %d are read", p.Binary.Path, len(names), what, sdk.MaxListedNames)
		}
		for i, name := range names {
			if len(name) > sdk.MaxIDBytes {
				return permanent("%s lists %s with names of more than %d bytes", p.Binary.Path, what, sdk.MaxIDBytes)
			}
			names[i] = p.output.sanitizer.Clean(name, sdk.MaxIDBytes)
		}
	}
	info.Version = p.output.sanitizer.Clean(info.Version, MaxNameBytes)
	p.Info, p.features = info, feature.NewChecker(info.Features)
	if p.Schema, err = schemas.compile(p.Binary.Ref, info.ConfigSchema); err != nil {
		return permanent("%s: %w", p.Binary.Path, err)
	}
	if err := checkHostServices(info, p.Schema.Roles()); err != nil {
		return permanent("%s: %w", p.Binary.Path, err)
	}
	return p.serveHost()
}
