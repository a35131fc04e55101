package plugins

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk/fault"
)

// pins lists the two places where an operator can pin a checksum.
var pins = []struct {
	name string
	pin  func(h *host, o *operator, sum string)
	key  []string // the result of Pending while the file does not have the pinned checksum
}{
	{"host file", func(h *host, o *operator, sum string) {
		o.says(config.PluginSettings{SHA256: sum})
		h.Reconfigure()
	}, []string{"plugin.llm.test.sha256"}},
	{"lock file", func(h *host, _ *operator, sum string) {
		put(h.t, filepath.Join(h.dir, discovery.LockFileName), []byte(sum+"  botyard-llm-test\n"))
		_ = h.Rescan()
	}, nil},
}

// newPinned returns a host that runs the plugin's binary "one" with its checksum pinned by
// pin. two is the checksum of the binary "two".
func newPinned(t *testing.T, pin func(h *host, o *operator, sum string)) (h *host, o *operator, i *Instance, two string) {
	t.Helper()
	h, o = newOperatedHost(t, config.PluginSettings{}, "test=one")
	aside := t.TempDir()
	putPlugin(t, aside, "test", "two")
	pin(h, o, sumOf(t, filepath.Join(h.dir, "botyard-llm-test")))
	i = h.open(Spec{Name: "test"})
	if got := h.pending(o); len(got) > 0 {
		t.Errorf("pending are %q", got)
	}
	return h, o, i, sumOf(t, filepath.Join(aside, "botyard-llm-test"))
}

// goesOn checks that the process pid of the binary "one" still serves the instance i, new
// instances, and requests for the schema.
func (h *host) goesOn(i *Instance, pid int, secret string) {
	h.t.Helper()
	if h.pid(i) != pid || i.Plugin().Version != "0-one" {
		h.t.Error("the process does not go on")
	}
	if _, err := h.Schema(context.Background(), "llm", "test"); err != nil {
		h.t.Errorf("it does not give its schema: %v", err)
	}
	if got := h.pid(h.open(Spec{Name: "test", Tenant: "new", Config: []byte(`{"secret":"` + secret + `"}`)})); got != pid {
		h.t.Error("a new instance is elsewhere")
	}
}

func TestManager_Reconfigure_binaryThenPin(t *testing.T) {
	for _, p := range pins {
		t.Run(p.name, func(t *testing.T) {
			h, o, i, two := newPinned(t, p.pin)
			pid := h.pid(i)
			putPlugin(t, h.dir, "test", "two")
			eventually(t, 10*time.Second, "the new binary is refused", func() bool {
				return slices.ContainsFunc(h.Status(), func(s Status) bool { return strings.Contains(s.LastError, "is refused") })
			})
			h.goesOn(i, pid, "between")
			p.pin(h, o, two)
			eventually(t, 20*time.Second, "the new binary runs", func() bool { return i.Plugin().Version == "0-two" })
			h.ask(i, "hello")
			if got := h.pending(o); len(got) > 0 {
				t.Errorf("pending are %q", got)
			}
		})
	}
}

func TestManager_Reconfigure_pinThenBinary(t *testing.T) {
	for _, p := range pins {
		t.Run(p.name, func(t *testing.T) {
			h, o, i, two := newPinned(t, p.pin)
			pid := h.pid(i)
			p.pin(h, o, two)
			h.goesOn(i, pid, "between")
			if got := h.pending(o); !slices.Equal(got, p.key) {
				t.Errorf("pending are %q, want %q", got, p.key)
			}
			putPlugin(t, h.dir, "test", "two")
			eventually(t, 20*time.Second, "the new binary runs", func() bool { return i.Plugin().Version == "0-two" })
			h.ask(i, "hello")
			if got := h.pending(o); len(got) > 0 {
				t.Errorf("pending are %q", got)
			}
		})
	}
}

// TestManager_Reconfigure_pinCountsFromTheNextStart checks that a running process continues
// when another checksum is pinned, and that its file is not started again.
func TestManager_Reconfigure_pinCountsFromTheNextStart(t *testing.T) {
	for _, p := range pins {
		t.Run(p.name, func(t *testing.T) {
			h, o, i, two := newPinned(t, p.pin)
			pid := h.pid(i)
			p.pin(h, o, two)
			h.goesOn(i, pid, "between")
			n := h.launcher.Launches()
			kill(t, pid)
			awaitDeath(t, pid)
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if _, err := ask(ctx, i, "t", "hello"); !fault.Is(err, fault.PluginUnavailable) {
				t.Errorf("a binary that is not the pinned one was started: %v", err)
			}
			if h.launcher.Launches() != n {
				t.Error("it was started")
			}
			if st := h.row("test"); !slices.ContainsFunc(h.Status(), func(s Status) bool { return strings.Contains(s.LastError, two) }) {
				t.Errorf("nobody is told why: %+v", st)
			}
			putPlugin(t, h.dir, "test", "two")
			eventually(t, 20*time.Second, "the pinned binary runs", func() bool {
				got, err := ask(context.Background(), i, "t", "hello")
				return err == nil && got == "echo: hello" && i.Plugin().Version == "0-two"
			})
		})
	}
}

// TestManager_Reconfigure_pinTakenBack checks that a binary is started again at once when
// the operator pins its checksum again.
func TestManager_Reconfigure_pinTakenBack(t *testing.T) {
	for _, p := range pins {
		t.Run(p.name, func(t *testing.T) {
			h, o, i, two := newPinned(t, p.pin)
			one := sumOf(t, filepath.Join(h.dir, "botyard-llm-test"))
			pid := h.pid(i)
			p.pin(h, o, two)
			kill(t, pid)
			awaitDeath(t, pid)
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if _, err := ask(ctx, i, "t", "hello"); err == nil {
				t.Fatal("it was started")
			}
			p.pin(h, o, one)
			h.ask(i, "hello")
		})
	}
}
