package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// Serve runs the plugin until its host ends it or is gone; it is all that a
// plugin's main does. With the single argument --info it prints the plugin's Info
// as JSON instead. It exits the process itself when there is no host. On Linux the
// process's memory and environment are closed to other processes of its user, see
// ForbidDumps.
func Serve(p Plugin) {
	if len(os.Args) == 2 && os.Args[1] == "--info" {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		if err := out.Encode(p.Info); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv(Handshake.MagicCookieKey) != Handshake.MagicCookieValue {
		fmt.Fprintf(os.Stderr, "botyard-%s-%s is a plugin: put it into a plugin folder of botyard, "+
			"which starts it. Run it with --info to see what it offers.\n", p.Info.Kind, p.Info.Name)
		os.Exit(1)
	}
	log := hclog.New(&hclog.LoggerOptions{
		Name: p.Info.Kind + "-" + p.Info.Name, Level: hclog.Info, JSONFormat: true, Output: os.Stderr,
	})
	nameProcess()
	if err := ForbidDumps(); err != nil {
		log.Warn("secrets of this process can be read by other processes of its user", "error", err)
	}
	TuneMemory(PluginMemoryShare)
	if os.Getenv("GOMAXPROCS") == "" {
		// A plugin mostly waits and hands over; on one thread it wakes for less. One that
		// computes is given more by the operator, or sets it in its constructor.
		runtime.GOMAXPROCS(1)
	}
	if os.Getenv(LifelineEnv) == LifelineStdin {
		outliveSignals()
		go followLifeline(os.Stdin)
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: Handshake,
		Plugins:         plugin.PluginSet{PluginSetName: &grpcPlugin{plugin: p, log: log}},
		Logger:          hclog.NewNullLogger(),
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, ServerOptions(log)...)...)
		},
	})
	if err := p.Backend.Close(); err != nil {
		log.Error("closing the instances", "error", err)
	}
}

// outliveSignals has the process go on when it is told to end by anybody but its host.
// Who stops a service, systemd for one, signals all of its processes at once; the host
// still needs its plugins then, for the turns at work, and ends them itself. The signals
// are caught and not ignored: what the plugin starts would inherit that.
func outliveSignals() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
}

// followLifeline ends the process when r does: the host holds the other end.
func followLifeline(r io.Reader) {
	_, _ = io.Copy(io.Discard, r)
	os.Exit(0)
}

// streamWorkers are goroutines that serve calls one after the other, on stacks that have
// grown already: that of a new goroutine would have to grow for each call. Calls beyond
// their number have goroutines of their own.
const streamWorkers = 64

// ServerOptions are what every plugin's gRPC server needs: message limits, answers in
// UTF-8, panics turned into errors, and errors turned into the protocol's statuses.
func ServerOptions(log hclog.Logger) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(newCodec()),
		grpc.MaxRecvMsgSize(MaxMessageBytes),
		grpc.MaxSendMsgSize(MaxAnswerBytes),
		grpc.InitialWindowSize(StreamWindowBytes),
		grpc.InitialConnWindowSize(ConnWindowBytes),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
			defer func() { err = fault.ToStatus(recovered(log, recover(), err)) }()
			return next(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
			defer func() { err = fault.ToStatus(recovered(log, recover(), err)) }()
			return next(srv, stream)
		}),
	}
}

func recovered(log hclog.Logger, panicked any, err error) error {
	if panicked == nil {
		return err
	}
	log.Error("panic", "value", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	return fault.New(fault.Internal, "the plugin panicked").By(fault.PartyPlugin)
}

type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	plugin Plugin
	log    hclog.Logger
}

var _ plugin.GRPCPlugin = (*grpcPlugin)(nil)

func (g *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	Register(server, g.plugin, g.log)
	return nil
}

// GRPCClient is the host's side, which brings its own plugin set.
func (g *grpcPlugin) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, fault.New(fault.Internal, "not a client")
}
