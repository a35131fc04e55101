package plugins

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
)

// TestReplacement_withoutAFailedCall checks that no call fails while the binary is replaced
// twice.
func TestReplacement_withoutAFailedCall(t *testing.T) {
	h := newHost(t, hostOptions{}, "test=one")
	i := h.open(Spec{Name: "test", Config: []byte(`{"secret":"s"}`)})
	oldID, oldPID := i.ID(), h.pid(i)
	var done atomic.Bool
	var calls atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for !done.Load() {
				if _, err := ask(context.Background(), i, "t", "drip 20ms"); err != nil {
					t.Errorf("a call failed: %v", err)
				}
				calls.Add(1)
			}
		})
	}
	for _, mark := range []string{"two", "three"} {
		putPlugin(t, h.dir, "test", mark) // the folder watch notices the new file
		eventually(t, 10*time.Second, mark, func() bool { return i.Plugin().Version == "0-"+mark })
		time.Sleep(100 * time.Millisecond)
	}
	done.Store(true)
	all.Wait()
	if calls.Load() < 20 {
		t.Errorf("only %d calls", calls.Load())
	}
	if i.ID() == oldID {
		t.Error("the instance of another binary has the same id")
	}
	if got := h.ask(i, "secret"); got != "s" {
		t.Errorf("secret = %q", got)
	}
	eventually(t, 5*time.Second, "the old process ends", func() bool { return !alive(oldPID) && len(h.Status()) == 1 })
	if st := h.row("test"); st.Restarts != 0 {
		t.Errorf("status = %+v", st)
	}
}

func TestReplacement_newBinaryFails(t *testing.T) {
	for _, mark := range []string{"exit", "picky", "wrongkind", "hangopen", "stopself", "crashlater", "crashcall"} {
		t.Run(mark, func(t *testing.T) {
			h := newHost(t, hostOptions{
				settings: config.PluginSettings{CallTimeout: 2 * time.Second, StartTimeout: 2 * time.Second},
				timing: func(tm *timing) {
					tm.trial, tm.probeDeadline, tm.probeAgain = time.Minute, 300*time.Millisecond, 50*time.Millisecond
				},
			}, "test=good")
			i := h.open(Spec{Name: "test"})
			pid := h.pid(i)
			putPlugin(t, h.dir, "test", mark)
			eventually(t, 30*time.Second, "it is refused", func() bool {
				if mark == "crashcall" {
					// the call crashes the new process after the replacement
					_, _ = ask(context.Background(), i, "t", "pid")
				}
				return strings.Contains(h.row("test").LastError, "the old one goes on")
			})
			if got := h.pid(i); got != pid {
				t.Error("the old process is gone")
			}
			n := h.launcher.Launches()
			touch := filepath.Join(h.dir, "unrelated")
			put(t, touch, nil)
			time.Sleep(200 * time.Millisecond)
			if h.launcher.Launches() != n {
				t.Error("it was tried again though nobody asked and nothing changed")
			}
			if h.row("test").PID != pid || h.row("test").State != Ready {
				t.Errorf("status = %+v", h.row("test"))
			}
			putPlugin(t, h.dir, "test", "better")
			eventually(t, 20*time.Second, "the next one", func() bool { return i.Plugin().Version == "0-better" })
			h.ask(i, "hello")
		})
	}
}

func TestReplacement_drains(t *testing.T) {
	h := newHost(t, hostOptions{}, "test=one")
	i := h.open(Spec{Name: "test"})
	pid := h.pid(i)
	var reply string
	var err error
	var call sync.WaitGroup
	end := filepath.Join(t.TempDir(), "end")
	call.Go(func() { reply, err = ask(context.Background(), i, "t", "hold "+end) })
	eventually(t, 5*time.Second, "the call is made", func() bool { return h.row("test").Calls == 1 })
	putPlugin(t, h.dir, "test", "two")
	eventually(t, 10*time.Second, "the new one", func() bool { return i.Plugin().Version == "0-two" })
	draining := 0
	for _, st := range h.Status() {
		if st.State == Draining && st.PID == pid && st.Calls == 1 {
			draining++
		}
	}
	if draining != 1 {
		t.Errorf("status = %+v", h.Status())
	}
	put(t, end, nil)
	call.Wait()
	if err != nil || reply != "held free" {
		t.Errorf("reply = %q, %v", reply, err)
	}
}

func TestReplacement_exclusiveIsStoppedFirst(t *testing.T) {
	h := newHost(t, hostOptions{}, "test=exclusive")
	i := h.open(Spec{Name: "test"})
	pid := h.pid(i)
	// The new binary has the same mark, so it is exclusive too.
	path := filepath.Join(h.dir, "botyard-llm-test")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan bool, 1)
	go func() {
		for alive(pid) {
			for _, st := range h.Status() {
				if st.PID != 0 && st.PID != pid {
					stopped <- false
					return
				}
			}
			time.Sleep(time.Millisecond)
		}
		stopped <- true
	}()
	put(t, path, append(content, '\n'))
	if !<-stopped {
		t.Error("two processes of an exclusive plugin at once")
	}
	h.ask(i, "hello")
	if st := h.row("test"); !strings.Contains(st.LastError, "state lost") {
		t.Errorf("status = %+v", st)
	}
}

func TestManager_Rescan_removedPlugin(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	i := h.open(Spec{Name: "test"})
	if err := os.Remove(filepath.Join(h.dir, "botyard-llm-test")); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "it is gone", func() bool { return len(h.Known("llm")) == 0 })
	h.ask(i, "hello") // the running process continues
	if _, err := h.Open(context.Background(), Spec{Kind: "llm", Name: "test"}); err == nil {
		t.Error("it can be opened")
	}
	putPlugin(t, h.dir, "test", "back")
	eventually(t, 5*time.Second, "it is back", func() bool { return i.Plugin().Version == "0-back" })
}

// TestReplacement_refusedConfigurationThatIsGone checks when a new binary that refused a
// configuration is tried again. It must be tried when no tenant has this configuration any
// more. It must not be tried earlier, even if no instance with this configuration is held.
func TestReplacement_refusedConfigurationThatIsGone(t *testing.T) {
	var mu sync.Mutex
	wants := map[string]string{"a": `{"secret":"old"}`, "b": `{"secret":"old"}`}
	want := func(tenant, config string) {
		mu.Lock()
		defer mu.Unlock()
		wants[tenant] = config
	}
	var asked atomic.Int64
	h := newHost(t, hostOptions{
		timing: func(tm *timing) { tm.reconsiderEvery, tm.quarantineRetry = 10*time.Millisecond, 40*time.Millisecond },
		options: func(o *Options) {
			o.IdleRelease = time.Millisecond
			o.Wanted = func(_ context.Context, kind, name, tenant string) ([]Spec, error) {
				asked.Add(1)
				mu.Lock()
				defer mu.Unlock()
				switch config := wants[tenant]; {
				case kind != "llm" || name != "test":
					t.Errorf("asked for the %s plugin %s", kind, name)
				case config == "?":
					return nil, context.DeadlineExceeded
				case config != "":
					return []Spec{{Config: []byte(config)}}, nil
				}
				return nil, nil
			}
		},
	}, "test=good")
	a := h.open(Spec{Name: "test", Tenant: "a", Config: []byte(`{"secret":"old"}`)})
	b := h.open(Spec{Name: "test", Tenant: "b", Config: []byte(`{"secret":"old"}`)})
	other := h.open(Spec{Name: "test", Tenant: "c"})
	putPlugin(t, h.dir, "test", "fussy")
	eventually(t, 30*time.Second, "it is refused for both", func() bool {
		return strings.Contains(h.row("test").LastError, "a configuration that is in use, of a, b: ")
	})
	a.Close()
	b.Close()
	n := h.launcher.Launches()
	stays := func(why string) {
		t.Helper()
		before := asked.Load()
		eventually(t, 30*time.Second, "it is asked again", func() bool { return asked.Load() > before+2 })
		if h.launcher.Launches() != n {
			t.Errorf("it was tried again though %s", why)
		}
	}
	stays("both have the settings, and only no bot")
	want("a", `{"secret":"new"}`)
	stays("one has the settings")
	want("b", "?")
	stays("of one nothing is known")
	want("b", "") // the tenant does not use the plugin any more
	eventually(t, 30*time.Second, "it is used", func() bool { return other.Plugin().Version == "0-fussy" })
	if got := h.row("test").LastError; got != "" {
		t.Errorf("the error stays: %s", got)
	}
}
