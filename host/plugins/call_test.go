package plugins

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// TestInstance_garbledReply checks that a reply whose bytes are not valid UTF-8 arrives
// from the plugin's process as valid text.
func TestInstance_garbledReply(t *testing.T) {
	h := newHost(t, hostOptions{}, "x")
	i := h.open(Spec{Name: "x"})
	defer i.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var reply string
	f, err := i.LLM().Chat(ctx, &llm.Request{Call: sdk.Call{Tenant: "t"}, Messages: []chat.Message{chat.Text(chat.User, "garble")}},
		func(d llm.Delta) error { reply += d.Text; return nil })
	if err != nil || f.Model != "m\uFFFD" {
		t.Fatalf("%+v, %v", f, err)
	}
	if want := "a€\uFFFDb\uFFFD\uFFFD\uFFFD"; reply != want {
		t.Errorf("%q; want %q", reply, want)
	}
}

// TestInstance_callerThatBreaksOff checks that a call gives its slot back when the caller's
// emit function panics or exits its goroutine.
func TestInstance_callerThatBreaksOff(t *testing.T) {
	h := newHost(t, hostOptions{settings: config.PluginSettings{MaxCalls: 1}}, "x")
	i := h.open(Spec{Name: "x"})
	defer i.Close()
	pid := h.pid(i)
	for _, breakOff := range []func(){func() { panic("broken") }, runtime.Goexit} {
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { _ = recover() }()
				_, _ = i.LLM().Chat(ctx, &llm.Request{Call: sdk.Call{Tenant: "t"}, Messages: []chat.Message{chat.Text(chat.User, "drip 10ms")}},
					func(llm.Delta) error { breakOff(); return nil })
			}()
			<-done
			cancel()
		}
	}
	if now := h.pid(i); now != pid {
		t.Errorf("the process is %d; it was %d", now, pid)
	}
	if st := h.row("x"); st.Calls != 0 || st.Waiting != 0 {
		t.Errorf("%d calls, %d waiting", st.Calls, st.Waiting)
	}
}
