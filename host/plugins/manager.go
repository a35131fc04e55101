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
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/sdk/fault"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/hashicorp/go-hclog"
)

// Manager finds plugins and runs them. It is used by any number of goroutines.
// Close must be called; no plugin process outlives it.
type Manager struct {
	opts       Options
	timing     timing
	log        hclog.Logger
	key        []byte // of the instances' digests: random, so that they tell nothing of a secret
	runtime    *runtimeDir
	scanner    *discovery.Scanner
	schemas    *schemaCache
	secrets    secret.Redactor // of all instances: a process that several share may say any of theirs
	launches   atomic.Int64
	folders    *discovery.FolderWatch
	changes    changeFeed
	background *admission.BackgroundSlots

	hard     context.Context // ends when there is no more time for order
	hardEnd  context.CancelFunc
	later    context.Context // ends when Close begins
	laterEnd context.CancelFunc
	tasks    sync.WaitGroup // releases and retirements on their way, and what runs later
	closed   chan struct{}  // closed when Close is done
	outcome  error

	scan   sync.Mutex  // one scan at a time
	unsure atomic.Bool // the last scan could not see all

	totals sync.Map // *totals by discovery.Ref, of the plugins that were used; they stay

	mu          sync.Mutex
	closing     bool
	binaries    map[discovery.Ref]*discovery.Binary
	missing     []string // plugin folders that are not there
	asked       map[discovery.Ref]answer
	supervisors map[place]*supervisor
	instances   map[string]*instance // by key
	holdings    map[holding]map[*instance]struct{}
	counts      map[discovery.Ref]int    // instances; none is zero
	isolation   map[discovery.Ref]string // of the plugins that were used; it stays
}

// place is where a process runs: for a plugin, or for a tenant of it.
type place struct {
	discovery.Ref
	scope string
}

// answer is what a binary says of itself.
type answer struct {
	sum    string
	schema *config.Schema
	info   *pluginv1.GetInfoResponse
}

// New finds the plugins in the folders and starts none. A plugin that must not be
// run is no error: whoever asks for it gets one. Each start of a plugin marks the
// program's descriptors close-on-exec, so that the plugin inherits none.
func New(opts Options) (*Manager, error) { return newManager(opts, defaultTiming()) }

func newManager(opts Options, t timing) (*Manager, error) {
	opts.setDefaults()
	runtime, err := newRuntimeDir(opts.RuntimeDir)
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	m := &Manager{
		opts: opts, timing: t, log: opts.Log, key: key, runtime: runtime, schemas: &schemaCache{},
		closed: make(chan struct{}), asked: map[discovery.Ref]answer{},
		supervisors: map[place]*supervisor{}, instances: map[string]*instance{}, holdings: map[holding]map[*instance]struct{}{}, counts: map[discovery.Ref]int{},
		background: admission.NewBackgroundSlots(), isolation: map[discovery.Ref]string{},
	}
	m.hard, m.hardEnd = context.WithCancel(context.Background())
	m.later, m.laterEnd = context.WithCancel(context.Background())
	m.scanner = &discovery.Scanner{Dirs: opts.Dirs, Owners: opts.Owners, Log: m.log,
		PinnedSHA256: func(r discovery.Ref) string { return m.opts.settings(r).SHA256 }}
	m.folders = discovery.NewFolderWatch(discovery.WatchOptions{ // before the scan, so that no change falls between
		Dirs: opts.Dirs, Log: m.log, Debounce: t.debounce, PollEvery: t.pollEvery, PollOnly: t.pollOnly,
		Rescan: func() { _ = m.rescan(false) }, IsIncomplete: m.unsure.Load,
	})
	_ = m.rescan(false) // logged there
	go m.folders.Run()
	return m, nil
}

// Rescan looks through the plugin folders again, as watching them does by itself.
// A plugin whose binary changed is replaced, in the background; Status shows it.
// The error joins what is wrong with plugins that must not be run.
func (m *Manager) Rescan() error { return m.rescan(true) }

// rescan is Rescan; asked is false when nobody asked for it.
func (m *Manager) rescan(asked bool) error {
	m.scan.Lock()
	defer m.scan.Unlock()
	m.folders.AddFolders() // one may have come into being
	found, unsure := m.scanner.Scan(m.snapshot())
	m.unsure.Store(unsure)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing {
		return m.stopped()
	}
	var refused []error
	for _, r := range slices.SortedFunc(maps.Keys(found), discovery.Ref.Compare) {
		b := found[r]
		before := m.binaries[r]
		if b.Refusal != nil {
			refused = append(refused, b.Refusal)
			if before == nil || before.Refusal == nil || before.Refusal.Error() != b.Refusal.Error() {
				m.log.Error("plugin", "error", b.Refusal)
			}
			continue
		}
		if before == nil || before.SHA256 != b.SHA256 {
			m.log.Info("plugin found", "kind", b.Kind, "name", b.Name, "path", b.Path, "sha256", b.SHA256)
		}
	}
	before := m.binaries
	for r, b := range before {
		if found[r] == nil {
			m.log.Info("plugin is gone; what runs of it goes on", "kind", r.Kind, "name", r.Name, "path", b.Path)
			m.changes.note(r, "")
		}
	}
	for r, b := range found {
		if before := m.binaries[r]; before == nil || before.SHA256 != b.SHA256 || (before.Refusal == nil) != (b.Refusal == nil) {
			m.changes.note(r, "")
		}
	}
	m.binaries, m.missing = found, m.scanner.MissingFolders()
	for p, s := range m.supervisors {
		switch b := found[p.Ref]; {
		case b == nil:
			s.withdraw(fmt.Errorf("the %s is in no plugin folder any more", p.Ref))
			if s.users.Load() == 0 && s.current() == nil {
				delete(m.supervisors, p)
				m.tasks.Go(func() { s.shutdown(m.hard) })
			}
		case b.Refusal != nil:
			s.withdraw(b.Refusal)
		default:
			was := before[p.Ref]
			s.offer(b, asked || was != nil && was.Refusal != nil)
		}
	}
	return errors.Join(refused...)
}

// snapshot is what the last scan found.
func (m *Manager) snapshot() map[discovery.Ref]*discovery.Binary {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.binaries // replaced as a whole, never changed
}

// Known lists the names of the plugins of a kind, sorted.
func (m *Manager) Known(kind string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known(kind)
}

func (m *Manager) known(kind string) []string {
	var names []string
	for r := range m.binaries {
		if r.Kind == kind {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return names
}

// find answers the plugin's binary. The lock is held.
func (m *Manager) find(r discovery.Ref) (*discovery.Binary, error) {
	if m.closing {
		return nil, m.stopped()
	}
	b, ok := m.binaries[r]
	if !ok {
		return nil, &config.UnknownPluginError{Kind: r.Kind, Name: r.Name, Known: m.known(r.Kind), Missing: m.missing}
	}
	if b.Refusal != nil {
		return nil, &fault.Error{
			Class: fault.PluginUnavailable, Party: fault.PartyHost,
			Message: fmt.Sprintf("the %s is refused by this host", r), Err: b.Refusal,
		}
	}
	return b, nil
}

func (m *Manager) stopped() error {
	return fault.New(fault.PluginUnavailable, "the host is stopping").By(fault.PartyHost)
}

// detailed adds to the message why the plugin could not be started: whoever asks
// for a schema is an operator, and no configuration has been given to it yet.
func detailed(err error) error {
	var f *fault.Error
	var start *startError
	if !errors.As(err, &f) || f.Err == nil {
		return err
	}
	if f.Class != fault.PluginUnavailable || f.Party == fault.PartyPlugin && !errors.As(f.Err, &start) {
		return err
	}
	full := *f
	full.Message += ": " + f.Err.Error()
	return &full
}

// use answers the supervisor of the place, made if there is none, and counts its
// new user. The lock is held.
func (m *Manager) use(at place, b *discovery.Binary) *supervisor {
	s, ok := m.supervisors[at]
	if !ok {
		s = newSupervisor(m, b, at.scope)
		m.supervisors[at] = s
	}
	s.users.Add(1)
	return s
}

// unuse counts a user out. The process of a plugin that is isolated by tenant
// ends with its last user; a shared one stays for the next.
func (m *Manager) unuse(s *supervisor) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.users.Add(-1) > 0 {
		return
	}
	// The one without a tenant was asked for the schema. While that cannot be had, it
	// goes on trying.
	if s.scope != "" || !s.isTried() {
		m.retire(s)
	}
}

// retireUnused ends the supervisor of a plugin that has become well if nobody waits
// for that any more.
func (m *Manager) retireUnused(s *supervisor) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.users.Load() == 0 {
		m.retire(s)
	}
}

// retire ends a supervisor without users, if the plugin is isolated by tenant. The
// lock is held.
func (m *Manager) retire(s *supervisor) {
	at := place{s.ref, s.scope}
	if m.closing || m.supervisors[at] != s || s.scope == "" && m.isolated(s.ref) != isolationTenant {
		return
	}
	delete(m.supervisors, at)
	m.tasks.Go(func() { s.shutdown(m.hard) })
}

// Close lets calls come to their end, as long as ctx and the drain timeout allow,
// and ends all processes: those that do not end by themselves are killed. Whatever
// the error, nothing is left afterwards. New calls fail from the start of it, so
// turns should have ended before.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	if m.closing {
		m.mu.Unlock()
		<-m.closed
		return m.outcome
	}
	m.closing = true
	for _, in := range m.instances {
		in.stopTimer()
	}
	supervisors := slices.Collect(maps.Values(m.supervisors))
	m.mu.Unlock()
	defer close(m.closed)
	m.laterEnd()
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
	err := m.runtime.remove()
	if n := cut.Load(); n > 0 {
		err = errors.Join(fmt.Errorf("%d calls of plugins were cut off", n), err)
	}
	m.outcome = err
	return err
}
