package plugintest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

func checkHandshake(ctx context.Context, b *bench) error {
	_, err := b.running(ctx)
	return err
}

func checkInfo(ctx context.Context, b *bench) error {
	info, err := b.info(ctx)
	if err != nil {
		return err
	}
	var wrong []error
	if info.Kind != b.kind || info.Name != b.name {
		wrong = append(wrong, fmt.Errorf("it says that it is the %s plugin %q, and its file is that of the %s plugin %q", info.Kind, info.Name, b.kind, b.name))
	}
	if !slices.Contains(info.Services, serviceOf[b.kind]) {
		wrong = append(wrong, fmt.Errorf("it serves %q, and a %s plugin serves %q", info.Services, b.kind, serviceOf[b.kind]))
	}
	if info.MaxConcurrentCalls < 0 {
		wrong = append(wrong, fmt.Errorf("max_concurrent_calls is %d, which is less than 0", info.MaxConcurrentCalls))
	}
	if len(info.ConfigSchema) > 0 {
		if _, err := config.CompileSchema(info.ConfigSchema); err != nil {
			wrong = append(wrong, fmt.Errorf("config_schema: %w", err))
		}
	}
	return errors.Join(wrong...)
}

// info returns what the plugin says about itself.
func (b *bench) info(ctx context.Context) (*pluginv1.GetInfoResponse, error) {
	p, err := b.running(ctx)
	if err != nil {
		return nil, err
	}
	info, err := pluginv1.NewPluginServiceClient(p.conn).GetInfo(ctx, &pluginv1.GetInfoRequest{})
	return info, p.because(err)
}

func checkHealth(ctx context.Context, b *bench) error {
	p, err := b.running(ctx)
	if err != nil {
		return err
	}
	return p.healthy(ctx)
}

// healthy returns an error if the process does not answer a health check as it should.
func (p *process) healthy(ctx context.Context) error {
	resp, err := healthv1.NewHealthClient(p.conn).Check(ctx, &healthv1.HealthCheckRequest{Service: "plugin"})
	if err != nil {
		return p.because(fmt.Errorf("the health check fails: %w", err))
	}
	if resp.Status != healthv1.HealthCheckResponse_SERVING {
		return fmt.Errorf("the health check says %s, and not SERVING", resp.Status)
	}
	return nil
}

// answers returns an error if the process does not answer GetInfo.
func (p *process) answers(ctx context.Context) error {
	_, err := pluginv1.NewPluginServiceClient(p.conn).GetInfo(ctx, &pluginv1.GetInfoRequest{})
	return p.because(err)
}

func checkSecret(ctx context.Context, b *bench) error {
	p, err := b.running(ctx)
	if err != nil {
		return err
	}
	path, err := p.socket()
	if err != nil {
		return err
	}
	conn, err := dial(path)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // nothing is left to send
	methods := []string{pluginService + "/GetInfo", pluginService + "/CheckConfig", pluginService + "/Configure", pluginService + "/Check", pluginService + "/Release", "grpc.health.v1.Health/Check"}
	for _, m := range methodsOf(serviceOf[b.kind]) {
		methods = append(methods, serviceOf[b.kind]+"/"+string(m.Name()))
	}
	var wrong []error
	for what, value := range map[string][]string{"no secret": nil, "an empty secret": {""}, "another secret": {string(p.secret) + "x"}} {
		ctx := ctx
		for _, v := range value {
			ctx = metadata.AppendToOutgoingContext(ctx, sdk.SecretMetadata, v)
		}
		for _, m := range methods {
			err := callEmpty(ctx, conn, "/"+m)
			if code := status.Code(err); code != codes.Unauthenticated && code != codes.Unimplemented {
				wrong = append(wrong, fmt.Errorf("a call of %s with %s is answered with %s, and not refused with UNAUTHENTICATED", m, what, code))
			}
		}
	}
	return errors.Join(wrong...)
}

// callEmpty calls a method with an empty request, and returns the error that the call ended
// with. It reads no more than the first answer of a stream.
func callEmpty(ctx context.Context, conn *grpc.ClientConn, method string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method)
	if err != nil {
		return err
	}
	// An error of sending is that of the receipt too.
	_ = stream.SendMsg(&emptypb.Empty{})
	_ = stream.CloseSend()
	return stream.RecvMsg(&emptypb.Empty{})
}
