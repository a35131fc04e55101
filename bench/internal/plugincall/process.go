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

// start copies the plugin into a folder below dir, and opens an instance. It returns how long the plugin
// took from its start until it had its configuration. The caller stops the subject.
func start(ctx context.Context, o Options, dir string) (*subject, time.Duration, error) {
	folder, err := os.MkdirTemp(dir, "p")
	if err != nil {
		return nil, 0, err
	}
	s := &subject{folder: folder}
	if err := s.put(o, nil); err != nil {
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

// put installs the plugin's file with a suffix, which makes it another binary.
func (s *subject) put(o Options, suffix []byte) error {
	content, err := os.ReadFile(filepath.Join(o.PluginDir, fileName))
	if err != nil {
		return err
	}
	path := filepath.Join(s.folder, fileName)
	// A process that is forked while the file is open for writing keeps the file from being executed.
	syscall.ForkLock.RLock()
	err = os.WriteFile(path+".part", append(content, suffix...), 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		return err
	}
	return os.Rename(path+".part", path)
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
func measureKill(ctx context.Context, o Options, dir string) (started, recovered time.Duration, err error) {
	s, started, err := start(ctx, o, dir)
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

// replacementCallers is how many callers call while the file is replaced.
const replacementCallers = 8

// measureReplacement replaces the plugin's file while callers call.
func measureReplacement(ctx context.Context, o Options, s *subject) (Replacement, error) {
	out := Replacement{Times: o.Replacements}
	c := streamed(s.instance.LLM())
	var failed atomic.Int64
	var stop atomic.Bool
	waits := make([][]float64, replacementCallers)
	var all sync.WaitGroup
	for i := range replacementCallers {
		all.Go(func() {
			for !stop.Load() {
				begun := time.Now()
				if c(ctx) != nil {
					failed.Add(1)
				}
				waits[i] = append(waits[i], millis(time.Since(begun)))
			}
		})
	}
	err := func() error {
		for n := range o.Replacements {
			was := s.pid()
			if err := errors.Join(s.put(o, fmt.Appendf(nil, "\n%d", n)), s.Rescan()); err != nil {
				return err
			}
			for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
				if now := s.pid(); now != 0 && now != was {
					break
				}
				if time.Now().After(end) {
					return errors.New("the plugin was not replaced within a minute")
				}
			}
		}
		return nil
	}()
	stop.Store(true)
	all.Wait()
	took := slices.Concat(waits...)
	out.Calls, out.Failed = int64(len(took)), failed.Load()
	out.P99, out.Max = quantile(took, 0.99), slices.Max(took)
	return out, err
}
