package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// Serve runs the plugin until its standard input ends, because the host stops the plugin or is gone.
// Calls at work then have some seconds to finish, and the instances are closed. A plugin's main
// function calls Serve and nothing else. With the single argument --info, Serve prints the plugin's Info as JSON and
// returns. Without a host, Serve exits the process with an error message. On Linux, Serve calls
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
	useThreads(p.Info.threads, log)
	outliveSignals()
	secret, err := readSecret(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	closeInstances := sync.OnceFunc(func() {
		if err := p.Backend.Close(); err != nil {
			log.Error("closing the instances", "error", err)
		}
	})
	keepOutput := outputKeeper()
	end, ended, serving := newEnding(), make(chan struct{}), false
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: Handshake,
		Plugins:         plugin.PluginSet{PluginSetName: &grpcPlugin{plugin: p, log: log}},
		Logger:          hclog.NewNullLogger(),
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			opts = append(append(opts, RequireSecret(secret)), serverOptions(log, end, keepOutput)...)
			server := grpc.NewServer(opts...)
			serving = true
			go func() {
				defer close(ended)
				awaitInputEnd(os.Stdin)
				end.run(server, closeInstances)
			}()
			return server
		},
	})
	if serving { // go-plugin may have failed before
		<-ended
	}
}

// outputKeeper returns a function that gives the plugin its standard output and standard error back.
// Serve calls it when a call arrives. Only the first call has an effect. go-plugin replaces both when
// it begins to serve, and sends what is written to them through its connection. The last output of a
// process that ends would then be lost.
func outputKeeper() (restore func()) {
	stdout, stderr := os.Stdout, os.Stderr
	return sync.OnceFunc(func() { os.Stdout, os.Stderr = stdout, stderr })
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

// GRPCClient returns an error. The host uses a plugin set of its own.
func (g *grpcPlugin) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, fault.New(fault.Internal, "not a client")
}
