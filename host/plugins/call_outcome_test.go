package plugins

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// TestCall_judgesALateExit kills a process in which several tenants have calls. The host
// learns of the broken connection long before it learns of the end, as on a busy machine.
// The calls must fail because the process ended, which is one failure. If each of them were
// a failure of the upstream, the circuit would open and refuse further calls.
func TestCall_judgesALateExit(t *testing.T) {
	h := newHost(t, hostOptions{timing: func(tm *timing) { tm.exitNotice, tm.brokenNotice = time.Microsecond, 30*time.Second }}, "test")
	const calls = 8
	i := h.open(Spec{Name: "test", Tenant: "t0"})
	var begun, ended sync.WaitGroup
	errs := make([]error, calls)
	begun.Add(calls)
	for n := range calls {
		ended.Go(func() {
			_, errs[n] = i.LLM().Chat(t.Context(), &llm.Request{
				Call: sdk.Call{Tenant: fmt.Sprint("t", n)}, Messages: []chat.Message{chat.Text(chat.User, "drip 1m")},
			}, func(llm.Delta) error { begun.Done(); return nil })
		})
	}
	begun.Wait()
	kill(t, h.pid(i))
	ended.Wait()
	for _, err := range errs {
		if !fault.Is(err, fault.PluginUnavailable) {
			t.Errorf("a call in flight failed with %v", err)
		}
	}
	if n := i.breaker.OpenCircuits(); n != 0 {
		t.Errorf("%d circuits are open", n)
	}
	h.ask(i, "hello")
}
