// Command flawed is an llm plugin that serves without go-plugin, and breaks a rule. The name
// in its file name says which: sound breaks none.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

// flaw is the name of the plugin, which says what is wrong with it.
var flaw = strings.TrimPrefix(filepath.Base(os.Args[0]), "botyard-llm-")

func main() {
	if flaw != "mortal" {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM, syscall.SIGINT)
	}
	stdin := bufio.NewReader(os.Stdin)
	secret, err := stdin.ReadString('\n')
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	dir := os.Getenv("PLUGIN_UNIX_SOCKET_DIR")
	switch flaw {
	case "babbling":
		fmt.Println("Hello!")
		select {}
	case "elsewhere":
		dir = filepath.Dir(os.Getenv("TMPDIR")) // outside of what it was given
	}
	path := filepath.Join(dir, "socket")
	listener, err := net.Listen("unix", path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server := grpc.NewServer(append(options(strings.TrimSuffix(secret, "\n")), sdk.ServerOptions(hclog.NewNullLogger())...)...)
	if flaw == "small" {
		server = grpc.NewServer(append(options(strings.TrimSuffix(secret, "\n")), append(sdk.ServerOptions(hclog.NewNullLogger()), grpc.MaxRecvMsgSize(4<<20))...)...)
	}
	var opts []sdk.Option
	if flaw == "heedless" { // ignores overrides
		opts = append(opts, sdk.Feature(feature.Overrides))
	}
	p := llm.NewPlugin(flaw, "1", func(context.Context, config, sdk.Env) (llm.LLM, error) {
		if flaw == "plain" { // breaks no rule, and has no features
			return plainParrot{}, nil
		}
		return parrot{}, nil
	}, opts...)
	if flaw == "misnamed" {
		p.Info.Name = "other"
	}
	sdk.Register(server, p, hclog.NewNullLogger())
	state := health.NewServer()
	state.SetServingStatus("plugin", map[bool]healthv1.HealthCheckResponse_ServingStatus{
		true: healthv1.HealthCheckResponse_NOT_SERVING, false: healthv1.HealthCheckResponse_SERVING,
	}[flaw == "unwell"])
	healthv1.RegisterHealthServer(server, state)
	fmt.Printf("1|1|unix|%s|grpc|\n", path)
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // ends when the host wants the plugin to end
		switch flaw {
		case "undying":
			return
		case "failing":
			os.Exit(3)
		}
		server.Stop()
	}()
	_ = server.Serve(listener) // it ends with Stop
}

// options returns the options of the server, in which most flaws are.
func options(secret string) []grpc.ServerOption {
	opts := []grpc.ServerOption{grpc.InTapHandle(func(ctx context.Context, info *tap.Info) (context.Context, error) {
		got := info.Header.Get(sdk.SecretMetadata)
		exempt := flaw == "open" || flaw == "open-health" && strings.HasPrefix(info.FullMethodName, "/grpc.health") ||
			flaw == "prefix" && len(got) == 1 && strings.HasPrefix(got[0], secret)
		if !exempt && (len(got) != 1 || got[0] != secret) {
			return nil, status.Error(codes.Unauthenticated, "who are you?")
		}
		return ctx, nil
	})}
	pool := make(chan struct{}, 4)
	take := func() func() {
		if flaw != "pool" {
			return func() {}
		}
		pool <- struct{}{}
		return func() { <-pool }
	}
	var ids sync.Map
	opts = append(opts,
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			defer take()()
			switch r := req.(type) {
			case *pluginv1.CheckConfigRequest:
				if flaw == "choosy" {
					return &pluginv1.CheckConfigResponse{Problems: []*pluginv1.ConfigProblem{{Message: "I do not like it"}}}, nil
				}
			case *pluginv1.CheckRequest:
				switch {
				case flaw == "wordless":
					return nil, status.Error(codes.Unavailable, "the server is away")
				case flaw == "optimistic":
					return &pluginv1.CheckResponse{}, nil
				case flaw == "stuck" && strings.HasPrefix(r.Instance, "late-"):
					stuck.Add(1)
					select {}
				}
			case *pluginv1.ReleaseRequest:
				for flaw == "stuck" && strings.HasPrefix(r.Instance, "late-") && stuck.Load() > 0 && ctx.Err() == nil {
					time.Sleep(time.Millisecond)
				}
			}
			switch r := req.(type) {
			case *pluginv1.ConfigureRequest:
				if _, again := ids.LoadOrStore(r.Instance, true); again && flaw == "once" {
					return nil, status.Error(codes.AlreadyExists, "I know that one")
				}
			case *pluginv1.ReleaseRequest:
				if _, known := ids.LoadAndDelete(r.Instance); !known && flaw == "unreleasing" {
					return nil, status.Error(codes.NotFound, "I do not know that one")
				}
			}
			return next(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			defer take()()
			err := next(srv, stream)
			if flaw == "forgetful" && fault.Is(fault.Of(err), fault.UnknownInstance) {
				return status.Error(codes.Internal, "something is wrong")
			}
			return err
		}))
	if flaw == "catchall" {
		opts = append(opts, grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return status.Error(codes.Internal, "what?") }))
	}
	return opts
}

// stuck is how many calls of Check will never end.
var stuck atomic.Int64

// config is the configuration of the plugin.
type config struct {
	First  string `json:"first,omitempty"`
	Second string `json:"second,omitempty"`
}

// Validate implements sdk.Validator. Neither key may be "::".
func (c *config) Validate(env sdk.Env) error {
	switch {
	case flaw == "dialing" && strings.HasPrefix(c.First, "127.0.0.1:"):
		if conn, err := net.Dial("tcp", c.First); err == nil {
			_ = conn.Close()
		}
	case flaw == "writing":
		_ = os.WriteFile(filepath.Join(env.DataDir, "checked"), nil, 0o600)
	}
	var errs []error
	for key, value := range map[string]string{"first": c.First, "second": c.Second} {
		if value != "::" {
			continue
		}
		if flaw == "lost" {
			key = "third"
		}
		errs = append(errs, fault.New(fault.Invalid, "is two colons").At(key))
	}
	if flaw == "hasty" && len(errs) > 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// plainParrot is a parrot that says that it takes no tools and no response formats.
type plainParrot struct{ parrot }

// LLMTraits implements sdk.LLMDescriber.
func (plainParrot) LLMTraits(context.Context) sdk.LLMTraits {
	return sdk.LLMTraits{Tools: &sdk.ToolTraits{}, Formats: &sdk.FormatTraits{}}
}

// parrot repeats the last message, and counts when it is told to.
type parrot struct{}

// Check implements sdk.Checker.
func (parrot) Check(context.Context) error {
	if flaw == "sickly" {
		return fault.New(fault.NotFound, "there is no such model")
	}
	return nil
}

// Chat implements llm.LLM.
func (parrot) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	if len(req.Messages) == 0 {
		if flaw == "fragile" {
			os.Exit(2)
		}
		return nil, fault.New(fault.Invalid, "there is no message")
	}
	if err := llm.CheckRequest(req, sdk.LLMTraits{}); err != nil {
		return nil, err
	}
	text := req.Messages[len(req.Messages)-1].Text()
	pieces := 1
	if strings.HasPrefix(text, "Count") {
		pieces = 1000
	}
	for range pieces {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if flaw == "silent" {
			continue
		}
		if err := emit(llm.Text(text)); err != nil {
			return nil, err
		}
	}
	return &llm.Finish{Reason: llm.FinishStop}, nil
}
