package plugins

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// checked returns a hold on an instance of the test plugin whose Check behaves as the proxy says.
func (h *host) checked(proxy string) *Instance {
	h.t.Helper()
	spec := withSecret(first)
	spec.Tenant, spec.Block = "t", fault.Path{"llm"}
	spec.Config = fmt.Appendf(nil, `{"secret":%q,"proxy":%q}`, first, proxy)
	i := h.open(spec)
	h.t.Cleanup(i.Close)
	return i
}

// TestInstance_Check checks what the host makes of what a plugin says about an instance.
func TestInstance_Check(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	for _, c := range []struct {
		proxy string
		class fault.Class
		says  string // empty if the instance works
	}{
		{"fine", 0, ""},
		{"unwell", fault.Unauthenticated, "llm.secret: the key <secret> is not accepted"},
		{"down", fault.ProviderFailed, "nothing listens"},
		{"plain", fault.Internal, "something is wrong"},
		{"unknowing", fault.Unsupported, "there is no way to know"},
	} {
		t.Run(c.proxy, func(t *testing.T) {
			err := h.checked(c.proxy).Check(context.Background())
			f := fault.Of(err)
			switch {
			case c.says == "" && err != nil:
				t.Error(err)
			case c.says != "" && (f == nil || f.Class != c.class || f.Error() != c.says):
				t.Errorf("got %v; want %s: %s", err, c.class, c.says)
			case c.says != "" && strings.Contains(f.ForCallers(), c.says):
				t.Errorf("callers are told %q", f.ForCallers())
			}
		})
	}
}

// TestInstance_Check_unimplemented checks that a plugin without the call Check does not say whether it
// works.
func TestInstance_Check_unimplemented(t *testing.T) {
	h := realHost(t, "botyard-storage-older")
	i := h.open(Spec{Kind: storage.Kind, Name: "older", Tenant: "t"})
	defer i.Close()
	if err := i.Check(context.Background()); !fault.Is(err, fault.Unsupported) {
		t.Errorf("got %v", err)
	}
	if st := h.row("older"); st.LastError != "" {
		t.Errorf("the list of plugins shows the error %q", st.LastError)
	}
}

// TestInstance_Check_deadline checks that a check ends in its own time, whatever the caller and the
// settings of the plugin allow, and that calls of turns work meanwhile and afterwards.
//
// beyond: check of an instance
func TestInstance_Check_deadline(t *testing.T) {
	h := newHost(t, hostOptions{timing: func(tm *timing) { tm.check = 300 * time.Millisecond }}, "test")
	i := h.checked("hangs")
	done := make(chan error, 1)
	go func() { done <- i.Check(context.Background()) }()
	if got := h.ask(i, "hi"); got != "echo: hi" {
		t.Errorf("during the check: %q", got)
	}
	if err := <-done; !fault.Is(err, fault.Deadline) {
		t.Errorf("got %v", err)
	}
	if got := h.ask(i, "hi"); got != "echo: hi" {
		t.Errorf("after the check: %q", got)
	}
}

// TestInstance_Check_concurrentCalls checks that a check counts as a call of the process.
func TestInstance_Check_concurrentCalls(t *testing.T) {
	h := newHost(t, hostOptions{}, "test=two")
	i := h.checked("fine")
	const calls = 4
	done := make(chan error, calls)
	for range calls {
		go func() {
			_, err := ask(context.Background(), i, "t", "sleep 200ms")
			done <- err
		}()
	}
	for range calls {
		go func() { done <- i.Check(context.Background()) }()
	}
	for range 2 * calls {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got := h.ask(i, "peak"); got != "2" {
		t.Errorf("the process worked on %s calls at once; it takes 2", got)
	}
}

// TestInstance_Check_circuit checks that failed checks open no circuit, and that an open circuit
// refuses no check and is not closed by one.
func TestInstance_Check_circuit(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	down := h.checked("down")
	for range 20 {
		if err := down.Check(context.Background()); !fault.Is(err, fault.ProviderFailed) {
			t.Fatal(err)
		}
	}
	if got := h.ask(down, "hi"); got != "echo: hi" {
		t.Errorf("after failed checks: %q", got)
	}
	fine := h.checked("fine")
	refused := func() bool {
		_, err := ask(context.Background(), fine, "t", "fault provider_failed")
		return strings.Contains(fault.Of(err).Message, "again and again")
	}
	for range 100 {
		if refused() {
			break
		}
	}
	if err := fine.Check(context.Background()); err != nil {
		t.Errorf("with an open circuit: %v", err)
	}
	if !refused() {
		t.Error("a check has closed the circuit")
	}
}

// TestInstance_Check_upstream checks that a check does not wait for an upstream whose parallel calls
// hang.
func TestInstance_Check_upstream(t *testing.T) {
	h := newHost(t, hostOptions{}, "test=single")
	i := h.checked("fine")
	ctx, cancel := context.WithCancel(context.Background())
	done, held, free := make(chan struct{}), make(chan struct{}), filepath.Join(t.TempDir(), "free")
	go func() {
		defer close(done)
		// The call ends when it is canceled.
		_, _ = i.LLM().Chat(ctx, &llm.Request{
			Call: sdk.Call{Tenant: "t"}, Messages: []chat.Message{chat.Text(chat.User, "hold "+free)},
		}, func(llm.Delta) error { close(held); return nil })
	}()
	<-held
	if err := i.Check(context.Background()); err != nil {
		t.Errorf("while the upstream is busy: %v", err)
	}
	cancel()
	<-done
	if err := os.WriteFile(free, nil, 0o600); err != nil { // ends the call in the plugin too
		t.Fatal(err)
	}
}
