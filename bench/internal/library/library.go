package library

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/host"
)

type Options struct {
	PluginDir string        `json:"plugin_dir"`
	Each      time.Duration `json:"each"`    // duration of the measurement of a rate
	Rounds    int           `json:"rounds"`  // number of measurements, whose median is the result
	Callers   []int         `json:"callers"` // numbers of concurrent callers
	Cached    []int         `json:"cached"`  // numbers of cached bots
}

// Result is the result of Measure.
type Result struct {
	Turns []TurnRow `json:"turns"`
	Bots  []BotRow  `json:"bots"`
	// TenantBytes and BotBytes are bytes of live heap and stacks.
	TenantBytes float64 `json:"tenant_bytes"` // of a registered tenant without a cached bot
	BotBytes    float64 `json:"bot_bytes"`    // of an idle cached bot
	Build       Spread  `json:"build_us"`     // microseconds to build a bot whose plugin instances exist
}

// TurnRow is the rate of turns without HTTP.
type TurnRow struct {
	Tokens    int                `json:"tokens"`
	Callers   int                `json:"callers"`
	PerSecond float64            `json:"per_second"`
	CPU       map[string]float64 `json:"cpu_us"` // microseconds per turn, by process
}

// Spread is the median and the 99th percentile of durations in microseconds.
type Spread struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// Measure opens hosts in this process, measures them, and closes them.
func Measure(ctx context.Context, o Options) (*Result, error) {
	out := &Result{}
	for _, tokens := range []int{1, 64} {
		rows, err := turns(ctx, o, tokens)
		if err != nil {
			return nil, err
		}
		out.Turns = append(out.Turns, rows...)
	}
	return out, bots(ctx, o, out)
}

// open opens a host with n tenants and at most cache cached bots. The caller closes the host.
func open(ctx context.Context, o Options, tokens, n, cache int) (*host.Host, error) {
	h, err := host.Open(ctx, host.Options{PluginDirs: []string{o.PluginDir}, Config: map[string]any{
		"limits":   map[string]any{"concurrent_turns": 1024},
		"registry": map[string]any{"max_cache_size": cache, "cache_ttl": 3600},
		"defaults": map[string]any{
			"llm":     map[string]any{"provider": "echo", "tokens": tokens},
			"memory":  map[string]any{"type": "buffer", "max_messages": hostproc.MaxMessages},
			"prompts": map[string]any{"system": "You are a support assistant."},
		},
	}})
	if err != nil {
		return nil, err
	}
	return h, register(ctx, h, 0, n)
}

func register(ctx context.Context, h *host.Host, first, n int) error {
	for i := first; i < first+n; i++ {
		id := hostproc.TenantID(i)
		if err := h.Register(ctx, id, map[string]any{
			"prompts": map[string]any{"system": fmt.Sprintf("You are the assistant of %s.", id)},
		}); err != nil {
			return err
		}
	}
	return nil
}

// pids returns the process ids of this process, named "host", and of the plugins.
func pids(h *host.Host) map[string]int {
	out := map[string]int{"host": os.Getpid()}
	for _, p := range h.Plugins().Status() {
		if p.PID != 0 {
			out[p.Kind+"-"+p.Name] = p.PID
		}
	}
	return out
}
