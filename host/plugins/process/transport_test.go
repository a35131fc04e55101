package process

import (
	"bytes"
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"github.com/botyard/botyard/sdk/storage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// answering is a storage plugin whose Begin returns the result of the function begin.
type answering struct {
	storagev1.UnimplementedStorageServiceServer
	begin func() (*storagev1.BeginResponse, error)
}

func (a answering) Begin(context.Context, *storagev1.BeginRequest) (*storagev1.BeginResponse, error) {
	return a.begin()
}

// TestProcess_attribute checks that each error of the transport names its cause and the
// party at fault. No error may blame the caller, and no internal error may be retryable.
func TestProcess_attribute(t *testing.T) {
	large := make([]byte, sdk.MaxMessageBytes+1)
	fine := func() (*storagev1.BeginResponse, error) {
		return &storagev1.BeginResponse{Outcome: &storagev1.BeginResponse_KeyReused{}}, nil
	}
	begin := func(text string) func(context.Context, *grpc.ClientConn) error {
		return func(ctx context.Context, conn *grpc.ClientConn) error {
			_, err := storage.NewClient(conn, "i").Begin(ctx, &storage.BeginRequest{Messages: []storage.Message{{Text: text}}, Lease: time.Second})
			return err
		}
	}
	ask := func(text string) func(context.Context, *grpc.ClientConn) error {
		return func(ctx context.Context, conn *grpc.ClientConn) error {
			_, err := llm.NewClient(conn, "i").Chat(ctx, &llm.Request{Messages: []chat.Message{chat.Text(chat.User, text)}}, nil)
			return err
		}
	}
	refuses := func(err error) func() (*storagev1.BeginResponse, error) {
		return func() (*storagev1.BeginResponse, error) { return nil, err }
	}
	for _, c := range []struct {
		what    string
		begin   func() (*storagev1.BeginResponse, error)
		call    func(context.Context, *grpc.ClientConn) error
		options []grpc.ServerOption
		class   fault.Class
		party   fault.Party
		large   bool
	}{
		{"a request that is too large", fine, begin(string(large)), nil, fault.Internal, fault.PartyHost, true},
		{"a stream whose request is too large", fine, ask(string(large)), nil, fault.Internal, fault.PartyHost, true},
		{"a request that is not UTF-8", fine, begin("\xff"), nil, fault.Internal, fault.PartyHost, false},
		{"a stream whose request is not UTF-8", fine, ask("\xff"), nil, fault.Internal, fault.PartyHost, false},
		{"a plugin that takes small requests", fine, begin(string(large[:1000])), []grpc.ServerOption{grpc.MaxRecvMsgSize(100)}, fault.Invalid, fault.PartyPlugin, true},
		{"a plugin that sends small answers", func() (*storagev1.BeginResponse, error) {
			return &storagev1.BeginResponse{Outcome: &storagev1.BeginResponse_Started{Started: &storagev1.Started{Fence: string(large[:1000])}}}, nil
		}, begin("hi"), []grpc.ServerOption{grpc.MaxSendMsgSize(100)}, fault.Internal, fault.PartyPlugin, true},
		{"an answer that is too large", func() (*storagev1.BeginResponse, error) {
			return &storagev1.BeginResponse{Outcome: &storagev1.BeginResponse_Started{
				Started: &storagev1.Started{Fence: string(bytes.Repeat([]byte("f"), sdk.MaxAnswerBytes+1))}}}, nil
		}, begin("hi"), nil, fault.Internal, fault.PartyPlugin, true},
		{"an answer that is not UTF-8", func() (*storagev1.BeginResponse, error) {
			return &storagev1.BeginResponse{Outcome: &storagev1.BeginResponse_Started{Started: &storagev1.Started{Fence: "\xff"}}}, nil
		}, begin("hi"), nil, fault.Internal, fault.PartyPlugin, false},
		{"a call that is not served", func() (*storagev1.BeginResponse, error) {
			return storagev1.UnimplementedStorageServiceServer{}.Begin(context.Background(), nil)
		}, begin("hi"), nil, fault.Unsupported, fault.PartyPlugin, false},
		{"a service that is not served", fine, ask("hi"), nil, fault.Unsupported, fault.PartyPlugin, false},
		{"resources that are exhausted, without a word of the protocol", refuses(status.Error(codes.ResourceExhausted, "too many")),
			begin("hi"), nil, fault.RateLimited, fault.PartyProvider, false},
		{"a limit of calls", refuses(fault.ToStatus(fault.New(fault.RateLimited, "too many"))), begin("hi"), nil, fault.RateLimited, fault.PartyProvider, false},
		{"an error of the plugin's own", refuses(fault.ToStatus(fault.New(fault.Internal, "a bug"))), begin("hi"), nil, fault.Internal, fault.PartyPlugin, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "s")
			l, err := net.Listen("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			server := grpc.NewServer(append([]grpc.ServerOption{grpc.MaxRecvMsgSize(1 << 30), grpc.MaxSendMsgSize(1 << 30)}, c.options...)...)
			storagev1.RegisterStorageServiceServer(server, answering{begin: c.begin})
			go func() { _ = server.Serve(l) }()
			p := &Process{Binary: &discovery.Binary{Ref: discovery.Ref{Kind: "storage", Name: "odd"}}, features: feature.NewChecker(nil)}
			conn, err := grpc.NewClient("unix:"+socket, append(p.dialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
			if err != nil {
				t.Fatal(err)
			}
			err = c.call(t.Context(), conn)
			e := fault.Of(err)
			if e == nil || e.Class != c.class || e.Party != c.party || errors.Is(err, fault.ErrTooLarge) != c.large ||
				c.large && errors.Is(err, fault.ErrAnswerTooLarge) != strings.Contains(c.what, "answer") {
				t.Errorf("%s: %v, %+v; want %s of the %s, too large %t", c.what, err, e, c.class, c.party, c.large)
			} else if c.class == fault.Internal && e.Retryable {
				t.Errorf("%s is said to be better after a retry: %v", c.what, err)
			}
			_ = conn.Close()
			server.Stop()
		})
	}
}
