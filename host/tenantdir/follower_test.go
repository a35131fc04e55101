package tenantdir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/secret"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// board is what is served.
type board struct {
	mu      sync.Mutex
	served  map[string]string // id to the value of key v
	path    map[string]string
	taken   map[string]bool // by another source than files
	refused map[string]error
	drops   []string // in the order of Drop
	applied int
	base    string // stands for v where a file has none; empty: that is an error
}

func newBoard() *board {
	return &board{served: map[string]string{}, path: map[string]string{}, taken: map[string]bool{}, refused: map[string]error{}}
}

func (b *board) Apply(_ context.Context, id, path string, doc *config.Document) ([]config.Path, error) {
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

func (b *board) Refuse(id, path string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused[id], b.path[id] = err, path
}

func (b *board) Drop(id, path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drops = append(b.drops, id)
	if b.path[id] == path {
		delete(b.served, id)
		delete(b.path, id)
		delete(b.refused, id)
	}
}

// inherit lets files do without v from now on.
func (b *board) inherit(v string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.base = v
}

func (b *board) get(id string) (v string, refused error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.served[id], b.refused[id]
}

type rig struct {
	*testing.T
	dir, data string
	more      []string // folders beside dir
	key       *secret.Key
	*board
	*Follower
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t, dir: t.TempDir(), data: t.TempDir(), key: secret.NewKey()}
	r.restart()
	return r
}

// restart is a new run of the host over the same folders.
func (r *rig) restart() {
	store, err := OpenStore(r.data, r.key, hclog.NewNullLogger())
	if err != nil {
		r.Fatal(err)
	}
	r.board = newBoard()
	r.Follower = New(Options{Dirs: append([]string{r.dir}, r.more...), Target: r.board, Store: store, Log: hclog.NewNullLogger(),
		timing: timing{settle: 40 * time.Millisecond, gone: 80 * time.Millisecond, poll: 20 * time.Millisecond, watch: 10 * time.Second, reread: 50 * time.Millisecond}})
}

// write makes a file that looks as if it had been there for a while.
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

func TestFilesAreFollowed(t *testing.T) {
	r := newRig(t)
	r.write("a.hcl", `v = 1`)
	r.write("b.yaml", "v: 1\n")
	r.write("notes.txt", "v: 1\n")
	r.write(".hidden.hcl", `v = 1`)
	r.load()
	if len(r.served) != 2 {
		t.Fatalf("served %v", r.served)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.Follower.Run(ctx) })
	defer wg.Wait()
	defer stop()

	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("a.hcl", `v = 2`)
	r.eventually("a change applies", r.serves("a", "2"))
	put("c.json", `{"v": 3}`)
	r.eventually("a new file applies", r.serves("c", "3"))
	put("a.hcl", `v = `)
	r.eventually("a bad file is refused", func() bool { _, err := r.get("a"); return err != nil })
	if v, _ := r.get("a"); v != "2" {
		t.Errorf("a bad file took the place of the last good one: %q", v)
	}
	put("a.hcl", `v = 4`)
	r.eventually("a mended file applies", r.serves("a", "4"))
	if err := os.Remove(filepath.Join(r.dir, "b.yaml")); err != nil {
		t.Fatal(err)
	}
	r.eventually("a removed file stops its tenant", r.serves("b", ""))
	// An editor that writes aside and renames.
	put(".a.tmp", `v = 5`)
	if err := os.Rename(filepath.Join(r.dir, ".a.tmp"), filepath.Join(r.dir, "a.hcl")); err != nil {
		t.Fatal(err)
	}
	r.eventually("a renamed file applies", r.serves("a", "5"))
	put("a.yaml", "v: 6\n")
	time.Sleep(150 * time.Millisecond)
	if v, _ := r.get("a"); v != "5" {
		t.Errorf("a newcomer took a taken id: %q", v)
	}
	if err := os.Remove(filepath.Join(r.dir, "a.hcl")); err != nil {
		t.Fatal(err)
	}
	r.eventually("the id is free for the other", r.serves("a", "6"))
}

// A half-written file can be valid: it must not be read while it grows.
func TestAFileIsReadWhenItIsStable(t *testing.T) {
	r, pass := clocked(t, 0)
	for i := range 10 {
		put(t, r.dir, "a.yaml", fmt.Sprintf("v: %d\n", 10000+i))
		now := time.Now().Add(time.Duration(i) * time.Millisecond)
		must(t, os.Chtimes(filepath.Join(r.dir, "a.yaml"), now, now))
		pass(usual.settle - 10*time.Millisecond)
	}
	if r.applied != 0 {
		t.Errorf("read %d times while it changed", r.applied)
	}
	pass(usual.settle)
	if !r.serves("a", "10009")() || r.applied != 1 {
		t.Errorf("served %v, applied %d times", r.served, r.applied)
	}
}

func TestTheLastGoodSettingsServeAfterARestart(t *testing.T) {
	r := newRig(t)
	r.write("a.hcl", `v = "secret-1"`)
	r.load()
	entries, err := os.ReadDir(r.data)
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	sealed, err := os.ReadFile(filepath.Join(r.data, entries[0].Name()))
	if err != nil || len(sealed) == 0 || containsText(sealed, "secret-1") {
		t.Errorf("the last good settings are readable: %s %v", sealed, err)
	}
	r.write("a.hcl", `v = `)
	r.restart()
	r.load()
	if v, err := r.get("a"); v != "secret-1" || err == nil {
		t.Errorf("served %q, error %v", v, err)
	}
	r.write("a.hcl", `v = 2`)
	r.restart()
	r.load()
	if v, err := r.get("a"); v != "2" || err != nil {
		t.Errorf("served %q, error %v", v, err)
	}
}

// An earlier build kept a file with an empty value, which was a null then: its tenant
// goes on as it was, and is told what is wrong with the file now.
func TestWhatAnEarlierBuildKeptIsReadAsItWas(t *testing.T) {
	r := newRig(t)
	r.write("a.yaml", "v: kept\nw:\n")
	must(t, r.o.Store.put(kept{ID: "a", Path: filepath.Join(r.dir, "a.yaml"), Source: []byte("v: kept\nw:\n")}))
	r.load()
	if v, err := r.get("a"); v != "kept" || err == nil || !strings.Contains(err.Error(), "a.yaml:2:1: w: is empty") {
		t.Errorf("served %q, error %v", v, err)
	}
}

func containsText(b []byte, s string) bool {
	for i := 0; i+len(s) <= len(b); i++ {
		if string(b[i:i+len(s)]) == s {
			return true
		}
	}
	return false
}

func TestManyTenantsThatVanishAtOnceAreHeld(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		t.Run(fmt.Sprint("restarted ", restarted), func(t *testing.T) {
			r := newRig(t)
			for i := range 20 {
				r.write(fmt.Sprintf("t%d.hcl", i), `v = 1`)
			}
			r.load()
			for i := range 3 {
				if err := os.Remove(filepath.Join(r.dir, fmt.Sprintf("t%d.hcl", i))); err != nil {
					t.Fatal(err)
				}
			}
			if restarted {
				r.restart()
				r.load()
			}
			ctx := context.Background()
			r.eventually("it is noted", func() bool { r.scan(ctx); _, err := r.get("t0"); return err != nil })
			if len(r.served) != 20 {
				t.Fatalf("%d tenants are served", len(r.served))
			}
			r.write("t1.hcl", `v = 7`) // one comes back
			r.eventually("it applies", func() bool { r.scan(ctx); return r.serves("t1", "7")() })
			if ids := r.ConfirmRemoved(); fmt.Sprint(ids) != "[t0 t2]" {
				t.Errorf("confirmed %v", ids)
			}
			if len(r.served) != 18 {
				t.Errorf("%d tenants are served", len(r.served))
			}
			r.restart()
			r.load()
			if len(r.served) != 18 {
				t.Errorf("%d tenants are served after a restart", len(r.served))
			}
		})
	}
}

func TestAFolderThatIsAwaySaysNothing(t *testing.T) {
	r := newRig(t)
	r.write("a.hcl", `v = 1`)
	r.load()
	if err := os.Rename(r.dir, r.dir+"-away"); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for range 10 {
		r.scan(ctx)
		time.Sleep(20 * time.Millisecond)
	}
	if v, _ := r.get("a"); v != "1" {
		t.Error("a tenant was dropped with its folder")
	}
	if err := os.Rename(r.dir+"-away", r.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(r.dir, "a.hcl")); err != nil {
		t.Fatal(err)
	}
	r.eventually("a real removal", func() bool { r.scan(ctx); return r.serves("a", "")() })
}

// What was wrong with a file may have been outside of it: then nobody touches it
// when that is put right.
func TestRefusedFilesAreReadAgain(t *testing.T) {
	r := newRig(t)
	r.write("a.hcl", `w = 1`)
	r.write("b.hcl", `v = 1`)
	r.load()
	if _, err := r.get("a"); err == nil {
		t.Fatal("a file without v was applied")
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.Follower.Run(ctx) })
	defer wg.Wait()
	defer stop()
	r.inherit("2")
	r.Retry()
	r.Retry() // one look is enough for both
	r.eventually("the file applies as it is", r.serves("a", "2"))
	if r.applied != 2 {
		t.Errorf("applied %d times: a file that was good was read again", r.applied)
	}
}
