package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/botyard/botyard/bench/internal/echocall"
	"github.com/botyard/botyard/bench/internal/library"
)

// echo measures bare go-plugin calls. This program starts itself a second time as the plugin.
func (b *bench) echo(context.Context) (err error) {
	b.report.Echo, err = echocall.Measure([]string{roleEcho}, callers, b.scale.each)
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
