package plugincall

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/plugins"
)

// fileName is the name of the plugin's file.
const fileName = "botyard-llm-echo"

// subject is a manager with an instance of the plugin.
type subject struct {
	*plugins.Manager
	instance *plugins.Instance
	folder   string
}

// files are copies of the plugin's file with different ends, so that each is another binary. They are
// written before anything is measured, because writing them would stop the callers for a while.
type files []string

// putFiles writes as many files as a manager needs, into dir.
func putFiles(o Options, dir string) (files, error) {
	content, err := os.ReadFile(filepath.Join(o.PluginDir, fileName))
	if err != nil {
		return nil, err
	}
	var all files
	for n := range replacementsOfOne + 1 {
		path := filepath.Join(dir, fmt.Sprintf("file-%d", n))
		if err := os.WriteFile(path, fmt.Appendf(content, "\n%d", n), 0o755); err != nil {
			return nil, err
		}
		all = append(all, path)
	}
	return all, nil
}

// put installs file n as the plugin.
func (s *subject) put(files files, n int) error {
	part := filepath.Join(s.folder, ".part")
	return errors.Join(os.Link(files[n], part), os.Rename(part, filepath.Join(s.folder, fileName)))
}

// start opens an instance of the plugin of a folder of its own below dir. It returns how long the plugin
// took from its start until it had its configuration. The caller stops the subject.
func start(ctx context.Context, dir string, files files) (*subject, time.Duration, error) {
	folder, err := os.MkdirTemp(dir, "p")
	if err != nil {
		return nil, 0, err
	}
	s := &subject{folder: folder}
	if err := s.put(files, 0); err != nil {
		return nil, 0, err
	}
	if s.Manager, err = plugins.New(plugins.Options{Dirs: []string{folder}, RuntimeDir: dir}); err != nil {
		return nil, 0, err
	}
	begun := time.Now()
	s.instance, err = s.Open(ctx, plugins.Spec{Kind: "llm", Name: "echo", Tenant: "t", Config: []byte("{}")})
	if err != nil {
		return nil, 0, errors.Join(err, s.stop())
	}
	return s, time.Since(begun), nil
}

func (s *subject) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return s.Close(ctx)
}

// pid returns the process that takes calls, or 0.
func (s *subject) pid() int {
	for _, st := range s.Status() {
		if st.State == plugins.Ready {
			return st.PID
		}
	}
	return 0
}

// measureKill kills the plugin's process, and returns how long it took until the next call succeeded. No
// call runs when the process is killed.
func measureKill(ctx context.Context, dir string, files files) (started, recovered time.Duration, err error) {
	s, started, err := start(ctx, dir, files)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	c := streamed(s.instance.LLM())
	if err := c(ctx); err != nil {
		return 0, 0, err
	}
	begun := time.Now()
	if err := syscall.Kill(s.pid(), syscall.SIGKILL); err != nil {
		return 0, 0, err
	}
	for err := c(ctx); err != nil; err = c(ctx) {
		if time.Since(begun) > time.Minute {
			return 0, 0, fmt.Errorf("no call succeeded after the kill: %w", err)
		}
	}
	return started, time.Since(begun), nil
}

// Replacement says what callers noticed while the plugin's file was replaced again and again.
type Replacement struct {
	Times  int     `json:"times"`
	Calls  int64   `json:"calls"`
	Failed int64   `json:"failed"`
	P99    float64 `json:"p99_ms"`
	Max    float64 `json:"max_ms"` // the longest that a call took
}

const (
	// replacementCallers is how many callers call while the file is replaced.
	replacementCallers = 8
	// replacementsOfOne is how many replacements a manager makes. The next ones would wait until the first
	// replaced process has ended, which it does after some seconds.
	replacementsOfOne = bounds.DrainingProcesses
)

// measureReplacements replaces the plugin's file while callers call, in as many managers as it takes.
func measureReplacements(ctx context.Context, o Options, dir string, files files) (Replacement, error) {
	out := Replacement{Times: o.Replacements}
	var took []float64
	for left := o.Replacements; left > 0; left -= replacementsOfOne {
		err := func() (err error) {
			s, _, err := start(ctx, dir, files)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.stop()) }()
			calls, failed, err := s.replaceUnderLoad(ctx, files[1:min(left, replacementsOfOne)+1])
			took = append(took, calls...)
			out.Failed += failed
			return err
		}()
		if err != nil {
			return out, err
		}
	}
	out.Calls, out.P99, out.Max = int64(len(took)), quantile(took, 0.99), slices.Max(took)
	return out, nil
}

// replaceUnderLoad installs one file after the other while callers call. It returns how long each call took
// in milliseconds, and how many calls failed.
func (s *subject) replaceUnderLoad(ctx context.Context, files files) (took []float64, failed int64, err error) {
	c := streamed(s.instance.LLM())
	var failures atomic.Int64
	var stop atomic.Bool
	waits := make([][]float64, replacementCallers)
	var all sync.WaitGroup
	for i := range replacementCallers {
		all.Go(func() {
			for !stop.Load() {
				begun := time.Now()
				if c(ctx) != nil {
					failures.Add(1)
				}
				waits[i] = append(waits[i], millis(time.Since(begun)))
			}
		})
	}
	for n := range files {
		if err = s.replace(files, n); err != nil {
			break
		}
	}
	stop.Store(true)
	all.Wait()
	return slices.Concat(waits...), failures.Load(), err
}

// replace installs file n and returns when its process takes the calls.
func (s *subject) replace(files files, n int) error {
	was := s.pid()
	if err := errors.Join(s.put(files, n), s.Rescan()); err != nil {
		return err
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if now := s.pid(); now != 0 && now != was {
			return nil
		}
		if time.Now().After(end) {
			return errors.New("the plugin was not replaced within a minute")
		}
	}
}
