package plugins

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestManager_Open_sameConfigurationIsOneInstance(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	const tenants = 1000
	opened := make([]*Instance, tenants)
	var all sync.WaitGroup
	for n := range tenants {
		all.Go(func() {
			i, err := h.Open(context.Background(), Spec{Kind: "llm", Name: "test", Tenant: itoa(n), Config: []byte(`{"secret":"s"}`)})
			if err != nil {
				t.Error(err)
				return
			}
			opened[n] = i
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	if got := h.ask(opened[0], "opened"); got != "1" {
		t.Errorf("the plugin opened %s instances", got)
	}
	if n := h.launcher.Launches(); n != 1 {
		t.Errorf("%d processes were started", n)
	}
	other := h.open(Spec{Name: "test", Config: []byte(`{"secret":"other"}`)})
	if got := h.ask(other, "secret"); got != "other" {
		t.Errorf("secret = %q", got)
	}
	if other.ID() == opened[0].ID() {
		t.Error("another secret is the same instance")
	}
	if st := h.row("test"); st.Instances != 2 {
		t.Errorf("status = %+v", st)
	}
	if log := h.log.String(); strings.Contains(log, "other") {
		t.Errorf("the secret is in the log:\n%s", log)
	}
}

func TestInstance_idleRelease(t *testing.T) {
	h := newHost(t, hostOptions{options: func(o *Options) { o.IdleRelease = 200 * time.Millisecond }}, "test")
	keep := h.open(Spec{Name: "test", Config: []byte(`{"secret":"keep"}`)})
	i := h.open(Spec{Name: "test"})
	second := h.open(Spec{Name: "test"})
	i.Close()
	i.Close()
	time.Sleep(400 * time.Millisecond)
	if got := h.ask(keep, "closed"); got != "0" {
		t.Error("an instance in use was released")
	}
	second.Close()
	third := h.open(Spec{Name: "test"}) // opened before the idle time has passed
	time.Sleep(400 * time.Millisecond)
	if got := h.ask(keep, "closed"); got != "0" {
		t.Error("an instance that was opened again was released")
	}
	third.Close()
	eventually(t, 5*time.Second, "the release", func() bool { return h.ask(keep, "closed") == "1" })
	if _, err := ask(context.Background(), third, "t", "hello"); err == nil {
		t.Error("a call on an instance that was given back")
	}
	h.ask(h.open(Spec{Name: "test"}), "hello")
}

func TestInstance_unknownIsConfiguredAgain(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	i := h.open(Spec{Name: "test"})
	if got := h.ask(i, "amnesia"); got != "known" {
		t.Errorf("reply = %q", got)
	}
	reply, err := ask(context.Background(), i, "t", "late-amnesia")
	if reply != "half a rep" || err == nil {
		t.Errorf("a reply that had begun was made again: %q, %v", reply, err)
	}
}

func TestInstance_errorsOfThePlugin(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	i := h.open(Spec{Name: "test"})
	for _, class := range []fault.Class{fault.RateLimited, fault.ProviderFailed, fault.Invalid, fault.ContextTooLong} {
		t.Run(class.String(), func(t *testing.T) {
			if _, err := ask(context.Background(), i, "t", "fault "+class.String()); !fault.Is(err, class) || err.Error() != "as it was told" {
				t.Errorf("err = %v", err)
			}
		})
	}
	if _, err := ask(context.Background(), i, "t", "nofinish"); fault.Of(err).Party != fault.PartyPlugin {
		t.Errorf("no finish: %v", err)
	}
	mine := fault.New(fault.UnknownInstance, "the caller's own")
	_, err := i.LLM().Chat(context.Background(), &llm.Request{Messages: []chat.Message{chat.Text(chat.User, "hello")}},
		func(llm.Delta) error { return mine })
	if err != mine {
		t.Errorf("the caller's error came back as %v", err)
	}
	if st := h.row("test"); st.Restarts != 0 {
		t.Errorf("status = %+v", st)
	}
}

func TestManager_Open_configurationIsRefused(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	_, err := h.Open(context.Background(), Spec{Kind: "llm", Name: "test", Config: []byte(`{"fail":true}`)})
	if f := fault.Of(err); f.Class != fault.Invalid || f.Path.String() != "secret" {
		t.Errorf("err = %v", err)
	}
	h.ask(h.open(Spec{Name: "test"}), "hello")
}

// TestCrashLoops_doNotKeepThePluginDown checks that a configuration that crashes the plugin
// is given to a process at most bounds.BlamedCrashes times, and that other instances work
// meanwhile.
//
// beyond: configuration that ends a plugin
func TestCrashLoops_doNotKeepThePluginDown(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	good := h.open(Spec{Name: "test"})
	spec := Spec{Kind: "llm", Name: "test", Config: []byte(`{"crash":true}`)}
	for range 10 {
		if _, err := h.Open(context.Background(), spec); !fault.Is(err, fault.PluginUnavailable) {
			t.Fatalf("err = %v", err)
		}
		h.ask(good, "hello")
	}
	if st := h.row("test"); st.Restarts > bounds.BlamedCrashes {
		t.Errorf("it was tried %d times", st.Restarts)
	}
}

func TestQueue_floodDelaysAnotherTenantByOneSlot(t *testing.T) {
	h := newHost(t, hostOptions{settings: config.PluginSettings{MaxCalls: 2}}, "test")
	i := h.open(Spec{Name: "test"})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all sync.WaitGroup
	var served atomic.Int64
	for range 100 {
		all.Go(func() {
			if _, err := ask(ctx, i, "flood", "sleep 100ms"); err == nil {
				served.Add(1)
			}
		})
	}
	eventually(t, 5*time.Second, "the flood", func() bool { return h.row("test").Waiting > 90 })
	before := served.Load()
	if _, err := ask(context.Background(), i, "quiet", "hello"); err != nil {
		t.Error(err)
	}
	// Some calls of "flood" may be served first: the running calls, and calls that end
	// before the answer arrives.
	if n := served.Load() - before; n > 60 {
		t.Errorf("the quiet tenant waited for %d calls of the flood", n)
	}
	cancel()
	all.Wait()
}

// TestInstance_callBeginsWithItsSlot checks that ChatFrom calls its argument begun when the
// call has a slot, and not earlier. A caller that measures the plugin's response time must
// know when the plugin received the call.
func TestInstance_callBeginsWithItsSlot(t *testing.T) {
	h := newHost(t, hostOptions{settings: config.PluginSettings{MaxCalls: 1}}, "test")
	i := h.open(Spec{Name: "test"})
	ctx, free := context.WithCancel(context.Background())
	defer free()
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { _, _ = ask(ctx, i, "first", "sleep 1m") })
	eventually(t, 5*time.Second, "the slot is taken", func() bool { return h.row("test").Calls == 1 })

	from := i.LLM().(interface {
		ChatFrom(context.Context, *llm.Request, func(llm.Delta) error, func()) (*llm.Finish, error)
	})
	var begun, early atomic.Int32
	all.Go(func() {
		_, err := from.ChatFrom(context.Background(), &llm.Request{Call: sdk.Call{Tenant: "second"},
			Messages: []chat.Message{chat.Text(chat.User, "hello")}},
			func(llm.Delta) error { early.Store(1 - begun.Load()); return nil }, func() { begun.Add(1) })
		if err != nil {
			t.Error(err)
		}
	})
	eventually(t, 5*time.Second, "it waits", func() bool { return h.row("test").Waiting == 1 })
	if begun.Load() != 0 {
		t.Error("it has begun without a slot")
	}
	free()
	all.Wait()
	if begun.Load() != 1 || early.Load() != 0 {
		t.Errorf("it began %d times; a piece before: %t", begun.Load(), early.Load() != 0)
	}
}

func TestInstance_callTimeoutBoundsUnaryCallsOnly(t *testing.T) {
	h := newHost(t, hostOptions{settings: config.PluginSettings{CallTimeout: 300 * time.Millisecond}}, "test")
	i := h.open(Spec{Name: "test"})
	if got := h.ask(i, "sleep 600ms"); got != "slept" {
		t.Errorf("reply = %q", got)
	}
	err := i.call(context.Background(), callOptions{}, func(ctx context.Context, t target) error {
		_, err := llm.NewClient(t.conn, t.id).Chat(ctx, &llm.Request{Call: sdk.Call{Tenant: "t"},
			Messages: []chat.Message{chat.Text(chat.User, "sleep 1m")}}, func(llm.Delta) error { return nil })
		return err
	})
	if !fault.Is(err, fault.Deadline) || !strings.Contains(err.Error(), "300ms") {
		t.Errorf("err = %v", err)
	}
}
