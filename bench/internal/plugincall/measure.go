package plugincall

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"slices"

	"github.com/botyard/botyard/bench/internal/procfs"
	"github.com/botyard/botyard/sdk/llm"
)

// Options says what is measured and how often.
type Options struct {
	PluginDir    string   // the folder with the plugin echo
	Bare         []string // the arguments with which this program runs ServeBare; the socket is added
	Callers      []int
	Pairs        int // pairs of rounds for each number of callers
	Calls        int // calls of a round, of all callers together
	Kills        int // starts and kills
	Replacements int
}

// Result is what was measured. Times are in milliseconds.
type Result struct {
	Calls       []Calls       `json:"calls"`
	Ready       float64       `json:"ready_ms"`    // median from the start of a process to its configured instance
	KillP50     float64       `json:"kill_p50_ms"` // from the kill to the next call that succeeded
	KillMax     float64       `json:"kill_max_ms"`
	Memory      procfs.Memory `json:"memory"` // of the plugin's process, after the calls
	Replacement Replacement   `json:"replacement"`
}

// Measure measures the plugin manager in this process. It sets the garbage collector of this process as a
// host does whose heap is small.
func Measure(ctx context.Context, o Options) (out *Result, err error) {
	defer debug.SetGCPercent(debug.SetGCPercent(hostGCPercent))
	dir, err := os.MkdirTemp("", "bc")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	files, err := putFiles(o, dir)
	if err != nil {
		return nil, err
	}
	out = &Result{}
	if err := out.measureCalls(ctx, o, dir, files); err != nil {
		return nil, err
	}
	if out.Replacement, err = measureReplacements(ctx, o, dir, files); err != nil {
		return nil, err
	}
	return out, out.measureKills(ctx, o, dir, files)
}

// hostGCPercent is what sdk.TuneMemory sets for a process with few live bytes.
const hostGCPercent = 400

// measureCalls sets Calls and Memory.
func (out *Result) measureCalls(ctx context.Context, o Options, dir string, files files) (err error) {
	b, err := startBare(ctx, o.Bare, dir)
	if err != nil {
		return err
	}
	defer b.stop()
	s, _, err := start(ctx, dir, files)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	l := s.instance.LLM()
	embedder, ok := l.(llm.Embedder)
	if !ok {
		return errors.New("the plugin echo embeds no texts")
	}
	for _, callers := range o.Callers {
		for _, c := range []struct {
			what          string
			manager, bare call
		}{
			{"unary", unary(embedder), unary(b.client)},
			{"streamed", streamed(l), streamed(b.client)},
		} {
			row, err := compare(ctx, c.what, callers, o, c.manager, c.bare)
			if err != nil {
				return err
			}
			out.Calls = append(out.Calls, row)
		}
	}
	out.Memory, err = procfs.MemoryOf(s.pid())
	return err
}

// measureKills sets Ready, KillP50 and KillMax.
func (out *Result) measureKills(ctx context.Context, o Options, dir string, files files) error {
	var ready, kills []float64
	for range o.Kills {
		started, recovered, err := measureKill(ctx, dir, files)
		if err != nil {
			return err
		}
		ready, kills = append(ready, millis(started)), append(kills, millis(recovered))
	}
	out.Ready, out.KillP50, out.KillMax = median(ready), median(kills), slices.Max(kills)
	return nil
}
