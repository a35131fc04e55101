package echocall

import (
	"context"
	"errors"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	serviceName = "botyard.bench.v1.EchoService"
	method      = "/" + serviceName + "/Echo"
	setName     = "echo"
)

var handshake = plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BOTYARD_BENCH", MagicCookieValue: "echo"}

// echoPlugin is the plugin for both processes. In the client it dispenses the bare gRPC connection.
type echoPlugin struct{ plugin.NetRPCUnsupportedPlugin }

var _ plugin.GRPCPlugin = echoPlugin{}

// GRPCServer implements plugin.GRPCPlugin.
func (echoPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	s.RegisterService(&description, echoPlugin{})
	return nil
}

// GRPCClient implements plugin.GRPCPlugin.
func (echoPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// description describes the service to gRPC. Because the service has one method and a well-known message
// type, it needs no generated code.
var description = grpc.ServiceDesc{
	ServiceName: serviceName, HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Echo", Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		in := new(wrapperspb.BytesValue)
		return in, decode(in)
	}}},
}

// Serve runs the plugin. It is the main function of the plugin's process.
func Serve() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: handshake, Plugins: plugin.PluginSet{setName: echoPlugin{}}, GRPCServer: plugin.DefaultGRPCServer,
	})
}

// call makes one call and checks the length of the reply.
func call(ctx context.Context, conn *grpc.ClientConn, in *wrapperspb.BytesValue) error {
	out := new(wrapperspb.BytesValue)
	if err := conn.Invoke(ctx, method, in, out); err != nil {
		return err
	}
	if len(out.Value) != len(in.Value) {
		return errors.New("the echo is not what was sent")
	}
	return nil
}
