package plugins

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk/fault"
)

// operator holds the operator's settings for all plugins.
type operator struct {
	mu sync.Mutex
	s  config.PluginSettings
}

func (o *operator) settings(string, string) config.PluginSettings {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.s
}

// says changes the settings without calling Reconfigure.
func (o *operator) says(s config.PluginSettings) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.s = s
}

func newOperatedHost(t *testing.T, s config.PluginSettings, plugins ...string) (*host, *operator) {
	t.Helper()
	o := &operator{s: s}
	return newHost(t, hostOptions{options: func(opts *Options) { opts.Settings = o.settings }}, plugins...), o
}

func (h *host) pending(o *operator) []string { return h.Pending(o.settings) }

// hold starts a call that ends when the file at the path end exists. The channel receives
// the call's error.
func (h *host) hold(i *Instance, end string) (done chan error) {
	done = make(chan error, 1)
	go func() {
		_, err := ask(context.Background(), i, "t", "hold "+end)
		done <- err
	}()
	return done
}

func TestManager_Reconfigure_maxCalls(t *testing.T) {
	h, o := newOperatedHost(t, config.PluginSettings{MaxCalls: 1}, "test")
	i := h.open(Spec{Name: "test"})
	end := filepath.Join(t.TempDir(), "end")
	counts := func(working, waiting int) func() bool {
		return func() bool {
			st := h.row("test")
			return st.Waiting == waiting && st.Calls-st.Waiting == working
		}
	}
	var calls []chan error
	for range 3 {
		calls = append(calls, h.hold(i, end))
	}
	eventually(t, 10*time.Second, "one works, two wait", counts(1, 2))
	o.says(config.PluginSettings{MaxCalls: 3})
	h.Reconfigure()
	eventually(t, 10*time.Second, "all work", counts(3, 0))
	o.says(config.PluginSettings{MaxCalls: 1})
	h.Reconfigure()
	calls = append(calls, h.hold(i, end))
	eventually(t, 10*time.Second, "those at work go on and another waits", counts(3, 1))
	put(t, end, nil)
	for _, done := range calls {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	// After these calls have ended, the lower MaxCalls applies.
	again := filepath.Join(t.TempDir(), "end")
	calls = []chan error{h.hold(i, again), h.hold(i, again)}
	eventually(t, 10*time.Second, "one works, one waits", counts(1, 1))
	put(t, again, nil)
	for _, done := range calls {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestManager_Reconfigure_callTimeout(t *testing.T) {
	h, o := newOperatedHost(t, config.PluginSettings{CallTimeout: time.Hour}, "test")
	i := h.open(Spec{Name: "test"})
	o.says(config.PluginSettings{CallTimeout: 100 * time.Millisecond})
	h.Reconfigure()
	// The call timeout does not apply to a chat, so the test makes another call.
	err := i.call(context.Background(), callOptions{}, func(ctx context.Context, _ target) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if !fault.Is(err, fault.Deadline) || !strings.Contains(err.Error(), "100ms") {
		t.Errorf("the call ended with %v", err)
	}
}

func TestManager_Reconfigure_startTimeout(t *testing.T) {
	h, o := newOperatedHost(t, config.PluginSettings{StartTimeout: 50 * time.Millisecond}, "test=slow")
	eventually(t, 30*time.Second, "it is given up", func() bool {
		_, _ = h.Schema(context.Background(), "llm", "test")
		return h.row("test").State == Quarantined
	})
	o.says(config.PluginSettings{StartTimeout: 30 * time.Second})
	h.Reconfigure()
	h.open(Spec{Name: "test"}) // Open works at once, because Reconfigure ended the quarantine
}

func TestManager_Reconfigure_env(t *testing.T) {
	t.Setenv("BOTYARD_TEST_GIVEN", "given")
	h, o := newOperatedHost(t, config.PluginSettings{}, "test")
	i := h.open(Spec{Name: "test"})
	given := func() bool { return strings.Contains(h.ask(i, "env"), "BOTYARD_TEST_GIVEN=given") }
	o.says(config.PluginSettings{Env: []string{"BOTYARD_TEST_GIVEN"}})
	if got := h.pending(o); !slices.Equal(got, []string{"plugin.llm.test.env"}) {
		t.Errorf("before it is applied, pending are %q", got)
	}
	for range 2 {
		h.Reconfigure()
		if got := h.pending(o); !slices.Equal(got, []string{"plugin.llm.test.env"}) {
			t.Errorf("pending are %q", got)
		}
	}
	if given() {
		t.Error("a process that runs got another environment")
	}
	o.says(config.PluginSettings{})
	if got := h.pending(o); len(got) > 0 {
		t.Errorf("changed back, pending are %q", got)
	}
	o.says(config.PluginSettings{Env: []string{"BOTYARD_TEST_GIVEN", "BOTYARD_TEST_GIVEN"}})
	h.Reconfigure()
	pid := h.pid(i)
	kill(t, pid)
	awaitDeath(t, pid)
	if !given() {
		t.Error("the next process does not have the variable")
	}
	if got := h.pending(o); len(got) > 0 {
		t.Errorf("after the process was started anew, pending are %q", got)
	}
}

// TestManager_Reconfigure_isolationStays checks that a plugin keeps the isolation that it
// had at its first use, and that a plugin that was not used before gets the isolation of
// the current settings.
func TestManager_Reconfigure_isolationStays(t *testing.T) {
	h, o := newOperatedHost(t, config.PluginSettings{}, "test", "other")
	pid := h.pid(h.open(Spec{Name: "test", Tenant: "a"}))
	o.says(config.PluginSettings{Isolation: "tenant"})
	h.Reconfigure()
	if got := h.pending(o); !slices.Equal(got, []string{"plugin.llm.test.isolation"}) {
		t.Errorf("pending are %q", got)
	}
	if got := h.pid(h.open(Spec{Name: "test", Tenant: "b"})); got != pid {
		t.Error("a used plugin became isolated by tenant")
	}
	if h.pid(h.open(Spec{Name: "other", Tenant: "a"})) == h.pid(h.open(Spec{Name: "other", Tenant: "b"})) {
		t.Error("a plugin that was not used shares its process")
	}
	if h.IsIsolated("llm", "test") || !h.IsIsolated("llm", "other") {
		t.Error("IsIsolated differs from the isolation of the processes")
	}
	o.says(config.PluginSettings{})
	h.Reconfigure()
	if got := h.pending(o); !slices.Equal(got, []string{"plugin.llm.other.isolation"}) {
		t.Errorf("pending are %q", got)
	}
}

func TestScanner_Verify_changedFile(t *testing.T) {
	h, _ := newOperatedHost(t, config.PluginSettings{}, "test=one")
	h.mu.Lock()
	found := h.binaries[discovery.Ref{Kind: "llm", Name: "test"}]
	h.mu.Unlock()
	path := filepath.Join(h.dir, "botyard-llm-test")
	if err := h.scanner.Verify(found, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o757); err != nil {
		t.Fatal(err)
	}
	if err := h.scanner.Verify(found, ""); err == nil || !strings.Contains(err.Error(), "writable by everyone") {
		t.Errorf("a file that anybody may write is started: %v", err)
	}
	putPlugin(t, h.dir, "test", "two")
	if err := h.scanner.Verify(found, ""); err == nil || !strings.Contains(err.Error(), "changed on disk") {
		t.Errorf("another file is started: %v", err)
	}
}

// TestManager_Under checks that Under returns the schema under settings that are not in use
// yet. Without Under, an operator could not correct a wrong pinned checksum while no
// process of the plugin runs.
func TestManager_Under(t *testing.T) {
	h, o := newOperatedHost(t, config.PluginSettings{SHA256: strings.Repeat("0", 64)}, "test=one")
	if _, err := h.Schema(context.Background(), "llm", "test"); err == nil {
		t.Fatal("a refused file was run")
	}
	wrong := h.Under(func(string, string) config.PluginSettings {
		return config.PluginSettings{SHA256: strings.Repeat("1", 64)}
	})
	if _, err := wrong.Schema(context.Background(), "llm", "test"); err == nil || h.launcher.Launches() > 0 {
		t.Fatalf("a refused file was run: %v", err)
	}
	right := h.Under(func(string, string) config.PluginSettings { return config.PluginSettings{} })
	for range 2 {
		if _, err := right.Schema(context.Background(), "llm", "test"); err != nil {
			t.Error(err)
		}
	}
	if n := h.launcher.Launches(); n != 1 {
		t.Errorf("it was started %d times", n)
	}
	if _, err := h.Open(context.Background(), Spec{Kind: "llm", Name: "test", Config: []byte(`{}`)}); err == nil {
		t.Error("it is served though it is refused")
	}
	o.says(config.PluginSettings{})
	h.Reconfigure()
	h.ask(h.open(Spec{Name: "test"}), "hello")
}
