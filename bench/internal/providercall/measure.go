package providercall

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/procfs"
	"github.com/botyard/botyard/host/plugins"
)

// Options says what Measure measures, and how often.
type Options struct {
	PluginDir string   // the folder with the plugins
	Server    []string // arguments of this program with which it calls Serve
	Callers   []int    // the numbers of concurrent callers to measure with
	Pairs     int      // pairs of rounds for each number of callers
	Calls     int      // calls of each caller in a round
}

// Result is what one plugin adds with one number of callers.
type Result struct {
	Provider string        `json:"provider"`
	Callers  int           `json:"callers"`
	First    Latency       `json:"first_token"` // until the first token
	End      Latency       `json:"end"`         // until the end of the reply
	CPU      float64       `json:"cpu_us"`      // CPU time of the plugin's process for each call, in microseconds
	Memory   procfs.Memory `json:"memory"`      // of the plugin's process after the calls
}

// Measure measures the plugins of all providers, one after the other. It starts the server in a process
// of its own, and stops it at the end.
func Measure(ctx context.Context, o Options) (all []Result, err error) {
	server, err := hostproc.StartSelf(nil, o.Server...)
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	dir, err := os.MkdirTemp("", "bp")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for _, p := range providers {
		r, err := p.measure(ctx, o, dir, "http://"+server.Addr)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		all = append(all, r...)
	}
	return all, nil
}

// measure measures one provider. Its plugin runs in a process of its own, which ends with measure.
func (p provider) measure(ctx context.Context, o Options, dir, server string) (all []Result, err error) {
	config, err := p.marshal(server)
	if err != nil {
		return nil, err
	}
	bare, err := p.bare(server)
	if err != nil {
		return nil, err
	}
	m, err := plugins.New(plugins.Options{Dirs: []string{o.PluginDir}, RuntimeDir: dir})
	if err != nil {
		return nil, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		err = errors.Join(err, m.Close(ctx))
	}()
	instance, err := m.Open(ctx, plugins.Spec{Kind: "llm", Name: p.name, Tenant: "t", Config: config})
	if err != nil {
		return nil, err
	}
	pid := 0
	for _, s := range m.Status() {
		if s.State == plugins.Ready && s.Name == p.name {
			pid = s.PID
		}
	}
	for _, callers := range o.Callers {
		r := Result{Provider: p.name, Callers: callers}
		var used time.Duration
		r.First, r.End, used, err = pairs(ctx, callers, o, ofPlugin(instance.LLM()), bare, func() (time.Duration, error) { return procfs.CPU(pid) })
		if err != nil {
			return nil, err
		}
		r.CPU = float64(used) / float64(time.Microsecond) / float64(callers*o.Calls*o.Pairs)
		if r.Memory, err = procfs.MemoryOf(pid); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}
