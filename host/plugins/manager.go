package plugins

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/admission"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/process"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/hashicorp/go-hclog"
)

// Manager finds plugins and runs them. It is used by any number of goroutines.
// Close must be called; no plugin process outlives it.
type Manager struct {
	opts      Options
	timing    timing
	log       hclog.Logger
	digestKey []byte // random key of the instances' digests, so that a digest tells nothing of a secret

	scanner   *discovery.Scanner
	folders   *discovery.FolderWatch
	runtime   *process.RuntimeDir
	launcher  *process.Launcher
	sanitizer *process.Sanitizer // knows the secrets of all instances
	changes   changeFeed

	background *admission.BackgroundSlots

	hard         context.Context // ends when there is no more time to end in order
	hardEnd      context.CancelFunc
	tasksContext context.Context // the ctx of background tasks; ends when Close begins
	endTasks     context.CancelFunc
	tasks        sync.WaitGroup // releases, retirements and background tasks that are under way
	closed       chan struct{}  // closed when Close is done
	closeErr     error          // what Close returned; valid once closed

	scanMu         sync.Mutex  // one scan at a time; taken before mu
	scanIncomplete atomic.Bool // the last scan could not see all

	totals sync.Map // *totals by discovery.Ref, of the plugins that were used; never deleted

	mu          sync.Mutex
	closing     bool
	binaries    map[discovery.Ref]*discovery.Binary // replaced as a whole, never changed
	missing     []string                            // plugin folders that do not exist
	asked       map[discovery.Ref]answer
	supervisors map[place]*supervisor
	instances   map[string]*instance // by digest
	holdings    map[holding]map[*instance]struct{}
	counts      map[discovery.Ref]int    // how many instances each plugin has; no entry is zero
	isolation   map[discovery.Ref]string // the isolation of each plugin that was used; never deleted
}

// place names a supervisor. A plugin has one supervisor, or one for each tenant if it is
// isolated by tenant.
type place struct {
	discovery.Ref
	scope string // the tenant; empty if tenants share the process
}

// answer holds what a binary says of itself.
type answer struct {
	sum    string // the binary's checksum
	schema *config.Schema
	info   *pluginv1.GetInfoResponse
}

// New finds the plugins in the folders and starts none. It does not fail because a plugin
// must not be run: only calls that ask for that plugin do. Each start of a plugin marks the
// program's descriptors close-on-exec, so that the plugin inherits none.
func New(opts Options) (*Manager, error) { return newManager(opts, defaultTiming()) }

func newManager(opts Options, t timing) (*Manager, error) {
	opts.setDefaults()
	runtime, err := process.NewRuntimeDir(opts.RuntimeDir)
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	m := &Manager{
		opts: opts, timing: t, log: opts.Log, digestKey: key,
		runtime: runtime, sanitizer: &process.Sanitizer{}, background: admission.NewBackgroundSlots(),
		closed: make(chan struct{}), asked: map[discovery.Ref]answer{}, supervisors: map[place]*supervisor{},
		instances: map[string]*instance{}, holdings: map[holding]map[*instance]struct{}{},
		counts: map[discovery.Ref]int{}, isolation: map[discovery.Ref]string{},
	}
	m.hard, m.hardEnd = context.WithCancel(context.Background())
	m.tasksContext, m.endTasks = context.WithCancel(context.Background())
	m.scanner = &discovery.Scanner{
		Dirs: opts.Dirs, Owners: opts.Owners, Log: m.log,
		PinnedSHA256: func(r discovery.Ref) string { return m.opts.settings(r).SHA256 },
	}
	m.launcher = &process.Launcher{
		Log: m.log, Timing: t.ofProcess(), Scanner: m.scanner, Runtime: runtime, Sanitizer: m.sanitizer, DataDir: opts.DataDir,
		DroppedLines: func(r discovery.Ref) *atomic.Int64 { return &m.totalsOf(r).dropped },
	}
	// The watch begins before the first scan, so that no change falls between.
	m.folders = discovery.NewFolderWatch(discovery.WatchOptions{
		Dirs: opts.Dirs, Log: m.log, Debounce: t.debounce, PollEvery: t.pollEvery, PollOnly: t.pollOnly,
		Rescan: m.rescanForChange, IsIncomplete: m.scanIncomplete.Load,
	})
	m.rescanForChange()
	go m.folders.Run()
	return m, nil
}

// Close refuses new calls, waits for those at work as long as ctx and the drain timeout
// allow, and ends all processes; those that do not end by themselves are killed. Whatever
// the error, nothing is left afterwards. Turns should have ended before. Later calls of
// Close wait for the first, and return its error.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	if m.closing {
		m.mu.Unlock()
		<-m.closed
		return m.closeErr
	}
	m.closing = true
	for _, in := range m.instances {
		in.stopTimerLocked()
	}
	supervisors := slices.Collect(maps.Values(m.supervisors))
	m.mu.Unlock()
	defer close(m.closed)
	m.endTasks()
	m.folders.Close()
	defer context.AfterFunc(ctx, m.hardEnd)()

	var cut atomic.Int64
	var all sync.WaitGroup
	for _, s := range supervisors {
		all.Go(func() { cut.Add(int64(s.shutdown(ctx))) })
	}
	all.Wait()
	m.tasks.Wait()
	m.hardEnd()
	err := m.runtime.Remove()
	if n := cut.Load(); n > 0 {
		err = errors.Join(fmt.Errorf("%d calls of plugins were cut off", n), err)
	}
	m.closeErr = err
	return err
}
