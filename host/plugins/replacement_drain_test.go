package plugins

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// held is a call that ends when free is called.
type held struct {
	end   string
	done  sync.WaitGroup
	reply string
	err   error
}

func (h *host) holdCall(i *Instance) *held {
	h.t.Helper()
	before := h.row("test").Calls
	c := &held{end: filepath.Join(h.t.TempDir(), "end")}
	c.done.Go(func() { c.reply, c.err = ask(context.Background(), i, "t", "hold "+c.end) })
	eventually(h.t, 10*time.Second, "the call is made", func() bool { return h.row("test").Calls == before+1 })
	return c
}

func (c *held) free(t *testing.T) {
	t.Helper()
	put(t, c.end, nil)
	c.done.Wait()
	if c.err != nil || c.reply != "held free" {
		t.Errorf("reply = %q, %v", c.reply, c.err)
	}
}

// TestReplacement_longReplies checks that a replaced process runs until its calls have
// ended, even if they take longer than the drain timeout.
//
// beyond: replaced processes
func TestReplacement_longReplies(t *testing.T) {
	h := newHost(t, hostOptions{options: func(o *Options) { o.DrainTimeout = 50 * time.Millisecond }}, "test=0")
	i := h.open(Spec{Name: "test"})
	var calls []*held
	for n := range bounds.DrainingProcesses {
		calls = append(calls, h.holdCall(i))
		putPlugin(t, h.dir, "test", fmt.Sprint(n+1))
		eventually(t, 20*time.Second, "it is replaced", func() bool { return i.Plugin().Version == fmt.Sprintf("0-%d", n+1) })
	}
	// The maximum number of processes is draining. The next replacement waits until one of
	// them has ended, and then uses the newest binary.
	putPlugin(t, h.dir, "test", "waits")
	putPlugin(t, h.dir, "test", "wins")
	time.Sleep(500 * time.Millisecond)
	if v := i.Plugin().Version; v != fmt.Sprintf("0-%d", bounds.DrainingProcesses) || len(h.Status()) != bounds.DrainingProcesses+1 {
		t.Errorf("%s runs: %+v", v, h.Status())
	}
	h.ask(i, "hello")
	calls[2].free(t)
	eventually(t, 20*time.Second, "the last one", func() bool { return i.Plugin().Version == "0-wins" })
	for n, c := range calls {
		if n != 2 {
			c.free(t)
		}
	}
	eventually(t, 20*time.Second, "the old ones end", func() bool { return len(h.Status()) == 1 })
}

// TestManager_Close_doesNotWaitForReplacedProcesses checks that Close cuts off the calls of
// replaced processes, and that the error of these calls says that the process was replaced.
func TestManager_Close_doesNotWaitForReplacedProcesses(t *testing.T) {
	h := newHost(t, hostOptions{options: func(o *Options) { o.DrainTimeout = 50 * time.Millisecond }}, "test=one")
	i := h.open(Spec{Name: "test"})
	c := h.holdCall(i)
	putPlugin(t, h.dir, "test", "two")
	eventually(t, 20*time.Second, "it is replaced", func() bool { return i.Plugin().Version == "0-two" })
	if err := h.Close(context.Background()); err == nil || !strings.Contains(err.Error(), "1 calls") {
		t.Errorf("Close: %v", err)
	}
	c.done.Wait()
	if !fault.Is(c.err, fault.PluginUnavailable) || !strings.Contains(c.err.Error(), "was replaced by another version") {
		t.Errorf("the call: %v", c.err)
	}
	h.Manager.closeErr = nil // otherwise the Close of the test's cleanup would return this error too
}

// TestReplacement_exclusiveIsNotCutOff checks that new calls of an exclusive plugin wait
// while the old process still has a running call. It also checks that the error of a call
// that waits too long gives this reason.
func TestReplacement_exclusiveIsNotCutOff(t *testing.T) {
	h := newHost(t, hostOptions{
		options: func(o *Options) { o.DrainTimeout = 50 * time.Millisecond },
		timing:  func(tm *timing) { tm.hold = time.Hour },
	}, "test=exclusive")
	i := h.open(Spec{Name: "test"})
	c := h.holdCall(i)
	path := filepath.Join(h.dir, "botyard-llm-test")
	content, err := os.ReadFile(path)
	must(t, err)
	put(t, path, append(content, '\n'))
	eventually(t, 20*time.Second, "it drains", func() bool { return h.Status()[0].State == Draining })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := ask(ctx, i, "t", "hello"); !fault.Is(err, fault.PluginUnavailable) || !strings.Contains(err.Error(), "it is being replaced") {
		t.Errorf("err = %v", err)
	}
	c.free(t)
	h.ask(i, "hello")
}

// TestReplacement_exclusiveTakesCallsAgain checks that the old process of an exclusive
// plugin takes calls again if a running call does not end within the hold time.
func TestReplacement_exclusiveTakesCallsAgain(t *testing.T) {
	h := newHost(t, hostOptions{timing: func(tm *timing) { tm.hold = 20 * time.Millisecond }}, "test=exclusive")
	i := h.open(Spec{Name: "test"})
	pid := h.pid(i)
	c := h.holdCall(i)
	path := filepath.Join(h.dir, "botyard-llm-test")
	content, err := os.ReadFile(path)
	must(t, err)
	put(t, path, append(content, '\n'))
	last := ""
	for range 3 { // the replacement is tried again without success
		eventually(t, 20*time.Second, "the new binary waits", func() bool {
			now := h.Status()[0].LastError
			waits := now != last && strings.Contains(now, "the new binary waits for 1 calls")
			if waits {
				last = now
			}
			return waits
		})
		h.ask(i, "hello")
		if got := h.pid(i); got != pid {
			t.Fatal("the process of the call that goes on is gone")
		}
	}
	c.free(t)
	eventually(t, 60*time.Second, "it is replaced", func() bool { return strings.Contains(h.Status()[0].LastError, "state lost") })
	h.ask(i, "hello")
}

// TestReplacement_isTriedAgain checks that a new binary is tried again if the host was at
// fault when its start failed.
func TestReplacement_isTriedAgain(t *testing.T) {
	parent := shortDir(t)
	h := newHost(t, hostOptions{options: func(o *Options) { o.RuntimeDir = parent }}, "test=one")
	i := h.open(Spec{Name: "test"})
	pid := h.pid(i)
	must(t, os.RemoveAll(parent), os.WriteFile(parent, nil, 0o600))
	putPlugin(t, h.dir, "test", "two")
	eventually(t, 20*time.Second, "it cannot be started", func() bool {
		return strings.Contains(h.row("test").LastError, "through no fault of its own, and the old one goes on")
	})
	if got := h.pid(i); got != pid {
		t.Error("the old process is gone")
	}
	must(t, os.Remove(parent))
	eventually(t, 20*time.Second, "it is replaced", func() bool { return i.Plugin().Version == "0-two" })
}
