package plugins

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// TestManager_Open_instancesOfATenantAreBounded checks that a tenant may hold at most
// bounds.Instances instances of a plugin, and that instances without a holder are released
// to make room for new ones.
//
// beyond: instances
func TestManager_Open_instancesOfATenantAreBounded(t *testing.T) {
	h := newHost(t, hostOptions{options: func(o *Options) { o.IdleRelease = time.Hour }}, "test", "other")
	shared := h.open(Spec{Name: "test", Tenant: "neighbour"})
	open := func(n int) (*Instance, error) {
		return h.Open(context.Background(), Spec{Kind: "llm", Name: "test", Tenant: "many", Config: []byte(fmt.Sprintf(`{"secret":"s%d"}`, n))})
	}
	var held []*Instance
	for n := range bounds.Instances {
		i, err := open(n)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, i)
	}
	if _, err := open(bounds.Instances); !fault.Is(err, fault.RateLimited) || fault.Of(err).RetryAfter == 0 {
		t.Errorf("err = %v, want rate_limited with a time", err)
	}
	if i, err := open(3); err != nil { // the tenant holds this instance already
		t.Error(err)
	} else {
		i.Close()
	}
	for _, spec := range []Spec{{Name: "test", Tenant: "neighbour", Config: []byte(`{"secret":"own"}`)}, {Name: "other", Tenant: "many"}} {
		h.open(spec).Close()
	}
	// Open releases instances without a holder to make room, the oldest first. Instances
	// that other tenants hold are not released.
	held[5].Close()
	held[2].Close()
	for n := range 20 {
		i, err := open(100 + n)
		if err != nil {
			t.Fatal(err)
		}
		i.Close()
	}
	if st := h.row("test"); st.Instances > bounds.Instances+2 {
		t.Errorf("the process has %d instances", st.Instances)
	}
	h.ask(shared, "hello")
	for n, i := range held {
		if n != 5 && n != 2 {
			if got := h.ask(i, "secret"); got != fmt.Sprint("s", n) {
				t.Errorf("instance %d: %q", n, got)
			}
			i.Close()
		}
	}
	shared.Close()
}

func TestManager_Open_instancesOfAllAreBounded(t *testing.T) {
	h := newHost(t, hostOptions{options: func(o *Options) { o.maxInstances, o.IdleRelease = 3, time.Millisecond }}, "test")
	var held []*Instance
	for n := range 3 {
		held = append(held, h.open(Spec{Name: "test", Tenant: itoa(n), Config: []byte(fmt.Sprintf(`{"secret":"s%d"}`, n))}))
	}
	last := Spec{Kind: "llm", Name: "test", Tenant: "last", Config: []byte(`{"secret":"last"}`)}
	if _, err := h.Open(context.Background(), last); !fault.Is(err, fault.PluginUnavailable) || fault.Of(err).Party != fault.PartyHost {
		t.Errorf("err = %v", err)
	}
	h.open(Spec{Name: "test", Tenant: "last", Config: []byte(`{"secret":"s1"}`)}).Close()
	for _, i := range held {
		i.Close()
	}
	eventually(t, 10*time.Second, "there is room again", func() bool {
		i, err := h.Open(context.Background(), last)
		if err == nil {
			i.Close()
		}
		return err == nil
	})
	eventually(t, 10*time.Second, "nothing is left", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.instances)+len(h.holdings)+len(h.counts) == 0
	})
}
