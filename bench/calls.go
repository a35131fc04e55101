package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/botyard/botyard/bench/internal/echocall"
	"github.com/botyard/botyard/bench/internal/library"
	"github.com/botyard/botyard/bench/internal/plugincall"
	"github.com/botyard/botyard/bench/internal/providercall"
)

// echo measures bare go-plugin calls. This program starts itself a second time as the plugin.
func (b *bench) echo(context.Context) (err error) {
	b.report.Echo, err = echocall.Measure([]string{roleEcho}, callers, b.scale.each)
	return err
}

// plugin measures calls through the plugin manager beside bare gRPC calls, and starts, kills and
// replacements of a plugin.
func (b *bench) plugin(ctx context.Context) (err error) {
	b.report.Plugin, err = plugincall.Measure(ctx, plugincall.Options{
		PluginDir: b.Plugins, Bare: []string{roleBare}, Callers: callers, Pairs: b.scale.callPairs, Calls: b.scale.roundCalls,
		Kills: b.scale.kills, Replacements: b.scale.replacements,
	})
	return err
}

// providers compares the plugins of providers with the providers' official clients. This program starts
// itself a second time as the server.
func (b *bench) providers(ctx context.Context) (err error) {
	b.report.Providers, err = providercall.Measure(ctx, providercall.Options{
		PluginDir: b.Plugins, Server: []string{roleProvider}, Callers: []int{1, 64}, Pairs: b.scale.providerPairs, Calls: b.scale.providerCalls,
	})
	return err
}

// library measures the embedded host. The host runs in a process of its own, so that the memory of that
// process is only the host's.
func (b *bench) library(ctx context.Context) error {
	plugins, err := filepath.Abs(b.Plugins)
	if err != nil {
		return err
	}
	arg, err := json.Marshal(library.Options{
		PluginDir: plugins, Each: b.scale.each, Rounds: b.scale.runs, Callers: callers, Cached: b.scale.cached,
	})
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, roleLibrary, string(arg))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	return json.Unmarshal(out, &b.report.Library)
}
