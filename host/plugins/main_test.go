package plugins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
)

// testPlugin is the content of the built program internal/testplugin.
var testPlugin []byte

// callbackPlugin is the content of the built program internal/callbackplugin.
var callbackPlugin []byte

// storePlugin is the content of the built program internal/storeplugin.
var storePlugin []byte

// built maps file names of real plugins in this repository to the paths of the built
// programs.
var built = map[string]string{}

func TestMain(m *testing.M) {
	if os.Getenv("BOTYARD_TEST_HOST") != "" {
		runTestHost()
		return
	}
	dir, err := os.MkdirTemp("", "bt")
	if err != nil {
		panic(err)
	}
	if err := buildPlugins(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		_ = os.RemoveAll(dir)
		os.Exit(1)
	}
	// AdoptOrphans requires that the test program starts no other processes than plugins
	// from now on.
	if err := process.AdoptOrphans(); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func buildPlugins(dir string) error {
	build := func(from, target, out string) error {
		cmd := exec.Command("go", "build", "-o", out, target)
		cmd.Dir = from
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s in %s: %w\n%s", target, from, err, text)
		}
		return nil
	}
	for name, content := range map[string]*[]byte{"testplugin": &testPlugin, "callbackplugin": &callbackPlugin, "storeplugin": &storePlugin} {
		out := filepath.Join(dir, name)
		err := build(".", "./internal/"+name, out)
		if err == nil {
			*content, err = os.ReadFile(out)
		}
		if err != nil {
			return err
		}
	}
	for _, name := range []string{"llm-echo", "storage-memory", "memory-buffer"} {
		from := filepath.Join("..", "..", "plugins", name)
		file := "botyard-" + name
		if _, err := os.Stat(filepath.Join(from, "cmd", file)); err != nil {
			continue // the plugin is not in this checkout
		}
		if err := build(from, "./cmd/"+file, filepath.Join(dir, file)); err != nil {
			return err
		}
		built[file] = filepath.Join(dir, file)
	}
	for _, plugin := range versionPlugins {
		version, kind, _ := strings.Cut(plugin, "/")
		file := "botyard-" + kind + "-" + version
		if err := build(".", "./testdata/versions/"+plugin, filepath.Join(dir, file)); err != nil {
			return err
		}
		built[file] = filepath.Join(dir, file)
	}
	return nil
}

// putPlugin writes a copy of the test plugin with the mark into dir. It replaces an
// existing file by renaming, as an installer does.
func putPlugin(t testing.TB, dir, name, mark string) {
	t.Helper()
	put(t, filepath.Join(dir, "botyard-llm-"+name), append(bytes.Clone(testPlugin), "\nmark:"+mark+"\n"+strings.Repeat(" ", 20)...))
}

func put(t testing.TB, path string, content []byte) {
	t.Helper()
	part := path + ".part"
	// The lock keeps other goroutines from forking while the file is open for writing. A
	// forked child would hold the file open, and the execution of the file would fail with
	// "text file busy".
	syscall.ForkLock.RLock()
	err := os.WriteFile(part, content, 0o755)
	syscall.ForkLock.RUnlock()
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// host is a Manager for a test.
type host struct {
	*Manager
	dir string
	log *logBuffer
	t   testing.TB
}

type hostOptions struct {
	settings config.PluginSettings
	options  func(*Options)
	timing   func(*timing)
}

// newHost returns a manager for the plugins, which are given as NAME=MARK or NAME. At the
// end of the test it closes the manager, and checks that no process and no runtime folder
// is left.
func newHost(t testing.TB, o hostOptions, plugins ...string) *host {
	t.Helper()
	h := &host{dir: t.TempDir(), log: &logBuffer{}, t: t}
	if err := os.Chmod(h.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, p := range plugins {
		name, mark, _ := strings.Cut(p, "=")
		putPlugin(t, h.dir, name, mark)
	}
	opts := Options{
		Dirs: []string{h.dir}, RuntimeDir: "/tmp", DrainTimeout: 5 * time.Second, IdleRelease: time.Minute,
		Settings: func(string, string) config.PluginSettings { return o.settings },
		Log:      hclog.New(&hclog.LoggerOptions{Output: h.log, Level: hclog.Debug, JSONFormat: true}),
	}
	if o.options != nil {
		o.options(&opts)
	}
	tm := defaultTiming()
	tm.backoffBase, tm.backoffMax = 10*time.Millisecond, 50*time.Millisecond
	tm.trial = 100 * time.Millisecond
	tm.debounce, tm.pollEvery = 50*time.Millisecond, 100*time.Millisecond
	if o.timing != nil {
		o.timing(&tm)
	}
	m, err := newManager(opts, tm)
	if err != nil {
		t.Fatal(err)
	}
	h.Manager = m
	t.Cleanup(func() {
		var pids []int
		for _, st := range m.Status() {
			if st.PID != 0 {
				pids = append(pids, st.PID)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		if _, err := os.Stat(m.runtime.Path()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the runtime folder is left: %v", err)
		}
		for _, pid := range pids {
			if alive(pid) {
				t.Errorf("process %d is left", pid)
			}
		}
		if t.Failed() {
			t.Logf("log:\n%s", h.log.tail(60))
		}
	})
	return h
}

func (h *host) open(spec Spec) *Instance {
	h.t.Helper()
	if spec.Kind == "" {
		spec.Kind = "llm"
	}
	if spec.Config == nil {
		spec.Config = []byte(`{}`)
	}
	i, err := h.Open(context.Background(), spec)
	if err != nil {
		h.t.Fatalf("Open: %v (cause: %v)", err, errors.Unwrap(err))
	}
	return i
}

// ask makes one Chat call and returns the whole reply.
func ask(ctx context.Context, i *Instance, tenant, text string) (string, error) {
	var reply strings.Builder
	_, err := i.LLM().Chat(ctx, &llm.Request{
		Call: sdk.Call{Tenant: tenant}, Messages: []chat.Message{chat.Text(chat.User, text)},
	}, func(d llm.Delta) error { reply.WriteString(d.Text); return nil })
	return reply.String(), err
}

func (h *host) ask(i *Instance, text string) string {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	reply, err := ask(ctx, i, "t", text)
	if err != nil {
		h.t.Fatalf("%s: %v", text, err)
	}
	return reply
}

func (h *host) pid(i *Instance) int {
	h.t.Helper()
	pid, err := strconv.Atoi(h.ask(i, "pid"))
	if err != nil {
		h.t.Fatal(err)
	}
	return pid
}

// row returns the first Status of the plugin whose State is not Draining.
func (h *host) row(name string) Status {
	h.t.Helper()
	for _, st := range h.Status() {
		if st.Name == name && st.State != Draining {
			return st
		}
	}
	h.t.Fatalf("no status of %s", name)
	return Status{}
}

// eventually waits until ok returns true. It fails the test if ok still returns false after
// the duration within.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

// alive reports whether the process runs. A zombie does not count as running.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// logBuffer stores the log for String and tail.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

var _ io.Writer = (*logBuffer)(nil)

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logBuffer) tail(n int) string {
	lines := strings.Split(l.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
