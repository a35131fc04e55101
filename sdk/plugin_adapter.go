package sdk

import (
	"context"
	"errors"
	"os"
	"sync/atomic"

	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
)

// Register adds the plugin's services to a gRPC server that was created with ServerOptions. Serve
// calls Register. Tests that run a plugin without a process call it too.
func Register(server *grpc.Server, p Plugin, log hclog.Logger) {
	pluginv1.RegisterPluginServiceServer(server, &pluginServer{plugin: p, log: log})
	p.Backend.Register(server)
}

type pluginServer struct {
	pluginv1.UnimplementedPluginServiceServer
	plugin Plugin
	log    hclog.Logger
	host   atomic.Pointer[HostInfo] // nil until the host has called GetInfo
}

func (s *pluginServer) GetInfo(_ context.Context, req *pluginv1.GetInfoRequest) (*pluginv1.GetInfoResponse, error) {
	i := s.plugin.Info
	s.host.Store(&HostInfo{Version: req.HostVersion, Services: req.Services, Features: req.Features})
	return &pluginv1.GetInfoResponse{
		Kind: i.Kind, Name: i.Name, Version: i.Version, Services: i.Services,
		Features: i.Features, ConfigSchema: i.ConfigSchema, Exclusive: i.Exclusive, HostServices: i.HostServices,
		MaxConcurrentCalls: int32(i.MaxConcurrentCalls),
	}, nil
}

func (s *pluginServer) Configure(ctx context.Context, req *pluginv1.ConfigureRequest) (*pluginv1.ConfigureResponse, error) {
	if req.Instance == "" {
		return nil, fault.New(fault.Invalid, "is empty").At("instance").By(fault.PartyHost)
	}
	env, err := s.env(req.Egress)
	if err != nil {
		return nil, err
	}
	env.Roles, env.Host = req.Roles, hostFor(s.plugin.Info)
	traits, err := s.plugin.Backend.Configure(ctx, req.Instance, req.Config, env)
	if err != nil {
		return nil, err
	}
	out := &pluginv1.ConfigureResponse{Parallel: int32(traits.Capacity.Parallel), Upstream: traits.Capacity.Upstream}
	if needs := traits.Memory; needs != nil {
		out.MemoryNeeds = &pluginv1.MemoryNeeds{Tail: int32(needs.Tail), Recall: needs.Recall, Remember: needs.Remember}
		out.StoreKey = needs.StoreKey
	}
	if traits.LLM != nil {
		out.Maker, out.Llm = traits.LLM.Maker, llmTraitsToProto(traits.LLM)
	}
	return out, nil
}

// env returns what an instance gets from the host, except its roles.
func (s *pluginServer) env(rule *pluginv1.Egress) (Env, error) {
	policy, err := EgressFromProto(rule)
	if err != nil {
		return Env{}, err
	}
	env := Env{Log: s.log, DataDir: os.Getenv(DataDirEnv), Dialer: egress.NewDialer(policy)}
	if host := s.host.Load(); host != nil {
		env.HostInfo = *host
	}
	return env, nil
}

func (s *pluginServer) CheckConfig(_ context.Context, req *pluginv1.CheckConfigRequest) (*pluginv1.CheckConfigResponse, error) {
	env, err := s.env(req.Egress)
	if err != nil {
		return nil, err
	}
	out := new(pluginv1.CheckConfigResponse)
	for _, p := range s.plugin.Backend.CheckConfig(req.Config, env) {
		p = fault.Sendable(p)
		out.Problems = append(out.Problems, &pluginv1.ConfigProblem{Path: p.Path, Message: p.Message})
	}
	return out, nil
}

func (s *pluginServer) Check(ctx context.Context, req *pluginv1.CheckRequest) (*pluginv1.CheckResponse, error) {
	ctx, cancel := withCheckDeadline(ctx)
	defer cancel()
	if err := s.plugin.Backend.Check(ctx, req.Instance); err != nil {
		return nil, err
	}
	return &pluginv1.CheckResponse{}, nil
}

func (s *pluginServer) Release(_ context.Context, req *pluginv1.ReleaseRequest) (*pluginv1.ReleaseResponse, error) {
	return &pluginv1.ReleaseResponse{}, s.plugin.Backend.Release(req.Instance)
}

// EgressToProto returns a policy in the protocol's form. It returns nil for a policy that allows
// every address.
func EgressToProto(p egress.Policy) *pluginv1.Egress {
	if !p.Restricts() {
		return nil
	}
	return &pluginv1.Egress{Mode: string(p.Mode()), Allow: p.Allow()}
}

// EgressFromProto is the inverse of EgressToProto. For a policy that this version does not
// understand, it returns fault.Internal with the host as party, so that no connection is opened
// without a policy.
func EgressFromProto(e *pluginv1.Egress) (egress.Policy, error) {
	if e == nil {
		return egress.Policy{}, nil
	}
	p, err := egress.New(egress.Mode(e.Mode), e.Allow)
	if err == nil && !p.Restricts() {
		err = errors.New("it restricts nothing")
	}
	if err != nil {
		return egress.Policy{}, fault.New(fault.Internal, "this version of the plugin does not understand the policy for connections: %w", err).By(fault.PartyHost)
	}
	return p, nil
}
