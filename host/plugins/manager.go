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

// Manager finds plugins and runs them. It is safe for concurrent use. The caller must call
// Close. No plugin process runs any more when Close has returned.
type Manager struct {
	opts      Options
	timing    timing
	log       hclog.Logger
	digestKey []byte // the random key of digest, so that a digest reveals nothing about a secret

	scanner   *discovery.Scanner
	folders   *discovery.FolderWatch
	runtime   *process.RuntimeDir
	launcher  *process.Launcher
	sanitizer *process.Sanitizer // has the secrets of all instances
	changes   changeFeed

	background *admission.BackgroundSlots

	hard         context.Context // ends when the processes must be killed instead of stopped in order
	hardEnd      context.CancelFunc
	tasksContext context.Context // the ctx of background tasks; ends when Close begins
	endTasks     context.CancelFunc
	tasks        sync.WaitGroup // running releases, shutdowns of supervisors, and background tasks
	closed       chan struct{}  // closed when Close is done
	closeErr     error          // the result of Close; set before closed is closed

	scanMu         sync.Mutex  // allows one scan at a time; acquired before mu
	scanIncomplete atomic.Bool // whether the last scan could not read a file or folder

	totals sync.Map // *totals by discovery.Ref, of all plugins used so far; no entry is deleted

	mu          sync.Mutex
	closing     bool
	binaries    map[discovery.Ref]*discovery.Binary // the result of the last scan; the map itself is never changed
	missing     []string                            // the plugin folders that do not exist
	asked       map[discovery.Ref]answer
	supervisors map[place]*supervisor
	instances   map[string]*instance // by digest
	holdings    map[holding]map[*instance]struct{}
	counts      map[discovery.Ref]int    // the number of instances of each plugin; an entry that reaches zero is deleted
	isolation   map[discovery.Ref]string // the fixed isolation of each plugin used so far; no entry is deleted
}

// place identifies a supervisor. A plugin has one supervisor, or one for each tenant if the
// plugin is isolated by tenant.
type place struct {
	discovery.Ref
	scope string // the tenant; empty if tenants share the process
}

// answer holds what a plugin says about itself.
type answer struct {
	sum    string // the checksum of the plugin's file
	schema *config.Schema
	info   *pluginv1.GetInfoResponse
}

// New finds the plugins in the plugin folders and starts none of them. A plugin that must
// not be run does not make New fail: only calls for that plugin fail. Each start of a
// plugin marks all descriptors of the host as close-on-exec, so that the plugin inherits
// none.
func New(opts Options) (*Manager, error) { return newManager(opts, defaultTiming()) }

func newManager(opts Options, t timing) (*Manager, error) {
	opts.setDefaults()
	runtime, err := process.NewRuntimeDir(opts.RuntimeDir)
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // rand.Read never returns an error
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
		Log: m.log, Timing: t.ofProcess(), Scanner: m.scanner, Runtime: runtime, Sanitizer: m.sanitizer, DataDir: opts.DataDir, HostVersion: opts.HostVersion,
		DroppedLines:  func(r discovery.Ref) *atomic.Int64 { return &m.totalsOf(r).dropped },
		CallbackEnded: func(r discovery.Ref, service string, err error) { m.totalsOf(r).countCallback(service, err) },
	}
	// The watch begins before the first scan, so that it reports changes during the scan.
	m.folders = discovery.NewFolderWatch(discovery.WatchOptions{
		Dirs: opts.Dirs, Log: m.log, Debounce: t.debounce, PollEvery: t.pollEvery, PollOnly: t.pollOnly,
		Rescan: m.rescanForChange, IsIncomplete: m.scanIncomplete.Load,
	})
	m.rescanForChange()
	go m.folders.Run()
	return m, nil
}

// Close refuses new calls, waits for running calls as long as ctx and the drain timeout
// allow, and stops all processes. It kills processes that do not end when they are asked
// to. No process runs when Close returns, even if it returns an error. The caller should
// end all turns before it calls Close. Repeated calls of Close wait for the first call and
// return its error.
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
