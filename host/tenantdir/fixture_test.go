package tenantdir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/secret"
	"github.com/fsnotify/fsnotify"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeTarget is a Target that records what it serves.
type fakeTarget struct {
	mu      sync.Mutex
	served  map[string]string // by id: the value of the key v
	path    map[string]string
	taken   map[string]bool // ids of tenants that are not of a file
	refused map[string]error
	drops   []string // ids in the order of the calls of Drop
	applied int
	base    string // the value of v for files without v; if it is empty, such files are invalid
}

func newFakeTarget() *fakeTarget {
	return &fakeTarget{served: map[string]string{}, path: map[string]string{}, taken: map[string]bool{}, refused: map[string]error{}}
}

func (b *fakeTarget) Apply(_ context.Context, id, path string, doc *config.Document) ([]config.Path, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.taken[id] {
		return nil, fmt.Errorf("by the API: %w", ErrTaken)
	}
	v, ok := doc.Values()["v"]
	if !ok && b.base == "" {
		return nil, errors.New("v is missing")
	}
	if !ok {
		v = b.base
	}
	b.served[id], b.path[id] = fmt.Sprint(v), path
	delete(b.refused, id)
	b.applied++
	return nil, nil
}

func (b *fakeTarget) Refuse(id, path string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused[id], b.path[id] = err, path
}

func (b *fakeTarget) Drop(id, path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drops = append(b.drops, id)
	if b.path[id] == path {
		delete(b.served, id)
		delete(b.path, id)
		delete(b.refused, id)
	}
}

// inherit makes files without the key v valid.
func (b *fakeTarget) inherit(v string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.base = v
}

func (b *fakeTarget) get(id string) (v string, refused error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.served[id], b.refused[id]
}

type rig struct {
	*testing.T
	dir, data string
	more      []string // further tenant folders
	key       *secret.Key
	*fakeTarget
	*Follower
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t, dir: t.TempDir(), data: t.TempDir(), key: secret.NewKey()}
	r.restart()
	return r
}

// restart creates a new Follower and a new target for the same folders, as a new run of the
// host.
func (r *rig) restart() {
	store, err := OpenLastGood(r.data, r.key, hclog.NewNullLogger())
	if err != nil {
		r.Fatal(err)
	}
	r.fakeTarget = newFakeTarget()
	r.Follower = New(Options{Dirs: append([]string{r.dir}, r.more...), Target: r.fakeTarget, LastGood: store, Log: hclog.NewNullLogger(),
		timing: timing{settle: 40 * time.Millisecond, gone: 80 * time.Millisecond, poll: 20 * time.Millisecond, watch: 10 * time.Second, reread: 50 * time.Millisecond}})
}

// write creates a file with an old modification time, so that it counts as settled.
func (r *rig) write(name, text string) {
	r.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, old, old); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) load() {
	r.Helper()
	if err := r.Load(context.Background()); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) eventually(what string, ok func() bool) {
	r.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatal("never: " + what)
		}
	}
}

func (r *rig) serves(id, v string) func() bool {
	return func() bool { got, _ := r.get(id); return got == v }
}

// soon is [rig.eventually] with a longer timeout. It is for conditions that depend on the
// timeout of a blocked file system.
func (r *rig) soon(what string, ok func() bool) {
	r.Helper()
	for deadline := time.Now().Add(60 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatal("never: " + what)
		}
	}
}

func (r *rig) refusedFor(id, why string) func() bool {
	return func() bool {
		_, err := r.get(id)
		return err != nil && strings.Contains(err.Error(), why)
	}
}

// hold blocks its callers until release, as a file system that does not respond.
type hold struct {
	on   atomic.Bool
	gate chan struct{}
	all  sync.WaitGroup
}

func newHold(t *testing.T) *hold {
	h := &hold{gate: make(chan struct{})}
	t.Cleanup(h.all.Wait)
	t.Cleanup(h.release)
	return h
}

func (h *hold) wait() {
	if h.on.Load() {
		<-h.gate
	}
}

func (h *hold) release() {
	if h.on.Swap(false) {
		close(h.gate)
	}
}

func (r *rig) in(name string) string { return filepath.Join(r.dir, name) }

// follow calls Load, and then runs the Follower until the test ends.
func (r *rig) follow() {
	r.load()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.Follower.Run(ctx) })
	r.Cleanup(func() { stop(); wg.Wait() })
}

// put writes a file with the present modification time, as an editor does.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// unwatched is an Options.watcher of a system that cannot watch folders.
func unwatched() (*fsnotify.Watcher, error) { return nil, errors.New("no watches are left") }

// clocked returns a rig that serves n tenants with the delays of defaultTiming and a fake
// clock. pass moves the clock in steps, and makes a scan after each step: at least ten scans
// for each call.
func clocked(t *testing.T, n int) (r *rig, pass func(time.Duration)) {
	r = newRig(t)
	pass = r.clocked()
	for i := range n {
		r.write(fmt.Sprintf("t%03d.hcl", i), `v = 1`)
	}
	r.load()
	return r, pass
}

func (r *rig) remove(i int) {
	r.Helper()
	if err := os.Remove(filepath.Join(r.dir, fmt.Sprintf("t%03d.hcl", i))); err != nil {
		r.Fatal(err)
	}
}

// clocked sets the follower's delays to defaultTiming, and its clock to a fake clock that pass
// moves.
func (r *rig) clocked() (pass func(time.Duration)) {
	r.o.timing = defaultTiming
	now := time.Now()
	r.now = func() time.Time { return now }
	return func(d time.Duration) {
		step := max(100*time.Millisecond, d/10)
		for end := now.Add(d); now.Before(end); {
			now = now.Add(min(step, end.Sub(now)))
			r.scan(context.Background())
		}
	}
}
