// Package serve runs the plugins of testdata/versions without the SDK: it reads the secret, prints
// the handshake, and serves until the input ends.
package serve

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Main serves the services that register adds, and grpc.health.v1.Health.
func Main(register func(*grpc.Server)) {
	if err := run(register); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(register func(*grpc.Server)) error {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	input := bufio.NewReader(os.Stdin)
	line, err := input.ReadString('\n')
	if err != nil {
		return err
	}
	secret := line[:len(line)-1]
	allowed := func(ctx context.Context) error {
		if got := metadata.ValueFromIncomingContext(ctx, "botyard-secret"); len(got) != 1 || got[0] != secret {
			return status.Error(codes.Unauthenticated, "no secret")
		}
		return nil
	}
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(64<<20),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if err := allowed(ctx); err != nil {
				return nil, err
			}
			return next(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			if err := allowed(stream.Context()); err != nil {
				return err
			}
			return next(srv, stream)
		}))
	register(server)
	well := health.NewServer()
	well.SetServingStatus("plugin", healthv1.HealthCheckResponse_SERVING)
	healthv1.RegisterHealthServer(server, well)
	socket := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	fmt.Printf("1|1|unix|%s|grpc|\n", socket)
	go func() {
		_, _ = io.Copy(io.Discard, input)
		server.GracefulStop()
	}()
	return server.Serve(listener)
}
