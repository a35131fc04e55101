package plugins

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestManager_Close_leavesNothing(t *testing.T) {
	cycle := func() {
		h := newHost(t, hostOptions{}, "test")
		i := h.open(Spec{Name: "test"})
		if got := h.ask(i, "hello"); got != "echo: hello" {
			t.Errorf("reply = %q", got)
		}
		pid := h.pid(i)
		if st := h.row("test"); st.State != Ready || st.PID != pid || st.Instances != 1 || st.Version != "0-" || st.SHA256 == "" {
			t.Errorf("status = %+v", st)
		}
		i.Close()
		if err := h.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if alive(pid) {
			t.Error("the process is left")
		}
		if _, err := os.Stat(h.runtime.Path()); !os.IsNotExist(err) {
			t.Errorf("the runtime folder is left: %v", err)
		}
		if st := h.row("test"); st.State != Stopped || st.PID != 0 {
			t.Errorf("status after Close = %+v", st)
		}
		if strings.Contains(h.log.String(), "killed") {
			t.Errorf("it was not stopped in order:\n%s", h.log)
		}
	}
	cycle()
	before := descriptors(t)
	for range 3 {
		cycle()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestManager_Close_pluginThatWillNotEnd(t *testing.T) {
	h := newHost(t, hostOptions{timing: func(tm *timing) { tm.stopGrace = 200 * time.Millisecond }}, "test=stubborn")
	pid := h.pid(h.open(Spec{Name: "test"}))
	begun := time.Now()
	if err := h.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("Close took %s", took)
	}
	if alive(pid) {
		t.Error("the process is left")
	}
}

func TestManager_Close_stoppedPlugin(t *testing.T) {
	h := newHost(t, hostOptions{timing: func(tm *timing) { tm.stopGrace = time.Hour }}, "test")
	i := h.open(Spec{Name: "test"})
	pid := h.pid(i)
	stop(t, pid)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if err := h.Close(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > time.Minute || alive(pid) {
		t.Errorf("Close took %s; alive: %t", took, alive(pid))
	}
}

func TestManager_Close_waitsForCalls(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	i := h.open(Spec{Name: "test"})
	var reply string
	var err error
	var call sync.WaitGroup
	call.Go(func() { reply, err = ask(context.Background(), i, "t", "drip 500ms") })
	eventually(t, time.Minute, "the call is made", func() bool { return h.row("test").Calls == 1 })
	if err := h.Close(context.Background()); err != nil {
		t.Error(err)
	}
	call.Wait()
	if err != nil || reply != "drip drop" {
		t.Errorf("reply = %q, %v", reply, err)
	}
	if _, err := ask(context.Background(), i, "t", "hello"); !fault.Is(err, fault.PluginUnavailable) {
		t.Errorf("a call after Close: %v", err)
	}
	if _, err := h.Open(context.Background(), Spec{Kind: "llm", Name: "test"}); !fault.Is(err, fault.PluginUnavailable) {
		t.Errorf("Open after Close: %v", err)
	}
}

func TestManager_Close_cutsOffCalls(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	i := h.open(Spec{Name: "test"})
	var err error
	var call sync.WaitGroup
	call.Go(func() { _, err = ask(context.Background(), i, "t", "sleep 1m") })
	eventually(t, time.Minute, "the call is made", func() bool { return h.row("test").Calls == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	closeErr := h.Close(ctx)
	call.Wait()
	if !fault.Is(err, fault.PluginUnavailable) {
		t.Errorf("call: %v", err)
	}
	if closeErr == nil || !strings.Contains(closeErr.Error(), "1 calls") {
		t.Errorf("Close: %v", closeErr)
	}
	h.Manager.closeErr = nil // otherwise the Close of the test's cleanup would return this error too
}

// TestManager_Close_daemonOfAPlugin checks that Close does not wait for a child of a plugin
// that left the plugin's process group and still holds the plugin's pipes.
func TestManager_Close_daemonOfAPlugin(t *testing.T) {
	h := newHost(t, hostOptions{}, "test=daemons")
	i := h.open(Spec{Name: "test"})
	daemon := func() {
		child, err := strconv.Atoi(h.ask(i, "child"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { kill(t, child) })
	}
	daemon()
	pid := h.pid(i)
	kill(t, pid)
	awaitDeath(t, pid)
	daemon() // the restarted process starts a child too
	begun := time.Now()
	if err := h.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 2*time.Minute { // the child runs for five minutes
		t.Errorf("Close took %s", took)
	}
}

func TestManager_Close_givesPluginsTime(t *testing.T) {
	h := newHost(t, hostOptions{}, "test=slowclose")
	h.ask(h.open(Spec{Name: "test"}), "hello")
	if err := h.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(h.log.String(), "closed in order") {
		t.Error("it was cut off")
	}
}
