package process

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// breaking is a plugin whose server stops in the middle of each call.
type breaking struct {
	storagev1.UnimplementedStorageServiceServer
	llmv1.UnimplementedLLMServiceServer
	end func()
}

func (b breaking) Begin(ctx context.Context, _ *storagev1.BeginRequest) (*storagev1.BeginResponse, error) {
	b.end()
	<-ctx.Done()
	return nil, ctx.Err()
}

func (b breaking) Chat(_ *llmv1.ChatRequest, s grpc.ServerStreamingServer[llmv1.ChatResponse]) error {
	b.end()
	<-s.Context().Done()
	return s.Context().Err()
}

// TestDelivery checks that Reached returns true for a call that the plugin refused, and for
// a call that the plugin received before its server stopped. Reached must return false for
// a call while no plugin listens.
func TestDelivery(t *testing.T) {
	calls := map[string]func(context.Context, *grpc.ClientConn) error{
		"a call": func(ctx context.Context, conn *grpc.ClientConn) error {
			_, err := storagev1.NewStorageServiceClient(conn).Begin(ctx, &storagev1.BeginRequest{})
			return err
		},
		"a stream": func(ctx context.Context, conn *grpc.ClientConn) error {
			s, err := llmv1.NewLLMServiceClient(conn).Chat(ctx, &llmv1.ChatRequest{})
			if err == nil {
				_, err = s.Recv()
			}
			return err
		},
		"a call that is refused": func(ctx context.Context, conn *grpc.ClientConn) error {
			_, err := storagev1.NewStorageServiceClient(conn).Commit(ctx, &storagev1.CommitRequest{})
			return err
		},
	}
	for name, call := range calls {
		for plugin, listens := range map[string]bool{"a plugin listens": true, "no plugin listens": false} {
			t.Run(name+", "+plugin, func(t *testing.T) {
				socket := filepath.Join(t.TempDir(), "s")
				want := codes.Unavailable
				if listens {
					l, err := net.Listen("unix", socket)
					if err != nil {
						t.Fatal(err)
					}
					server := grpc.NewServer()
					defer server.Stop()
					b := breaking{end: func() { go server.Stop() }}
					storagev1.RegisterStorageServiceServer(server, b)
					llmv1.RegisterLLMServiceServer(server, b)
					go func() { _ = server.Serve(l) }()
					if name == "a call that is refused" {
						want = codes.Unimplemented
					}
				}
				conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
					grpc.WithUnaryInterceptor(observeUnary), grpc.WithStreamInterceptor(observeStream))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				var delivery Delivery
				err = call(delivery.Observe(t.Context()), conn)
				if code := status.Code(err); code != want {
					t.Errorf("the call returned %v, want %s", err, want)
				}
				if delivery.Reached() != listens {
					t.Errorf("Reached returns %t", delivery.Reached())
				}
			})
		}
	}
}
