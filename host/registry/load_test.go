package registry

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestPersistedCatalog_ensureFresh_dropsAChangedBotWithinASecond checks that a host notices a
// change by another host within a second. The tenant store sends no notices, so the host must
// poll.
func TestPersistedCatalog_ensureFresh_dropsAChangedBotWithinASecond(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a, b := openTestHost(t, shared), openTestHost(t, shared)
	put(t, a.Registry, "x", 0)
	b.within(t, "x", "0")
	for i := 1; i < 4; i++ {
		put(t, a.Registry, "x", i)
		changed := time.Now()
		// A request that begins more than a second after the change must get the new revision.
		for {
			asked := time.Now()
			got := b.revision(t, "x")
			if got == fmt.Sprint(i) {
				break
			}
			if asked.Sub(changed) > time.Second {
				t.Fatalf("revision %s was served %s after it was replaced", got, asked.Sub(changed))
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func TestPersistedCatalog_ensureFresh_refusesWhenStoreIsDown(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a := openTestHost(t, shared)
	put(t, a.Registry, "x", 1)
	file := PutOptions{Source: "f.hcl"}
	if _, err := a.Put(t.Context(), "f", doc("v", 1), file); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"x", "f"} {
		acquire(t, a.Registry, id).Release()
	}
	shared.Fail(fault.New(fault.PluginUnavailable, "down"))
	end := time.Now().Add(10 * time.Second)
	for {
		l, err := a.Acquire(t.Context(), "x")
		if fault.Is(err, fault.PluginUnavailable) {
			break
		}
		if err != nil || time.Now().After(end) {
			t.Fatalf("still served without the registry: %v", err)
		}
		l.Release()
		time.Sleep(20 * time.Millisecond)
	}
	acquire(t, a.Registry, "f").Release() // a known tenant of a file is served without the tenant store
	shared.Fail(nil)
	a.within(t, "x", "1")
}

func TestPersistedCatalog_ensureFresh_remembersAbsentIDs(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a := openTestHost(t, shared)
	for range 3 {
		a.revision(t, "nobody")
	}
	before := shared.Calls()
	start := time.Now()
	for range 1000 {
		a.revision(t, "nobody")
	}
	// The host polls the tenant store meanwhile, which makes some of the calls.
	if most := 2 + int(time.Since(start)/(100*time.Millisecond)); shared.Calls()-before > most {
		t.Errorf("%d calls for 1,000 requests of an unknown tenant", shared.Calls()-before)
	}
}

// tardy is a tenant store whose GetTenants reads at once, but returns only after letGo is
// closed.
type tardy struct {
	*tenantstoretest.Memory
	read  chan struct{} // gets a value when GetTenants has read
	letGo chan struct{}
}

func (r *tardy) GetTenants(ctx context.Context, ids []string) ([]storage.Registration, error) {
	found, err := r.Memory.GetTenants(ctx, ids)
	r.read <- struct{}{}
	<-r.letGo
	return found, err
}

func TestPersistedCatalog_load_readsAgainWhatChanged(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	b := openTestHost(t, shared)
	put(t, b.Registry, "x", 1)
	slow := &tardy{shared, make(chan struct{}, 10), make(chan struct{})}
	a := openTestHost(t, slow)
	served := make(chan string, 1)
	go func() { served <- a.revision(t, "x") }()
	<-slow.read
	put(t, b.Registry, "x", 2)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		a.Registry.mu.Lock()
		heard := a.persisted().loads["x"] != nil && a.persisted().loads["x"].stale
		a.Registry.mu.Unlock()
		if heard {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the change was never heard of")
		}
	}
	close(slow.letGo)
	if got := <-served; got != "2" {
		t.Errorf("served revision %s after it was replaced", got)
	}
}

// TestPersistedCatalog_ensureFresh_boundsAbsentIDs checks that the memory for requests with
// unknown tenant ids is bounded.
func TestPersistedCatalog_ensureFresh_boundsAbsentIDs(t *testing.T) {
	// beyond: unknown ids
	a := openTestHost(t, &tenantstoretest.Memory{})
	for i := range bounds.MaxUnknownIDs + 100 {
		if _, err := a.Acquire(t.Context(), fmt.Sprint("nobody", i)); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
	}
	a.Registry.mu.Lock()
	defer a.Registry.mu.Unlock()
	if absent, loads := a.persisted().absent.Len(), len(a.persisted().loads); absent != bounds.MaxUnknownIDs || loads != 0 || len(a.tenants) != 0 {
		t.Errorf("%d are remembered, %d are asked for, %d tenants", absent, loads, len(a.tenants))
	}
}

// TestUnreachable_forCallers checks that callers of a bot are not told where the tenant store is.
func TestUnreachable_forCallers(t *testing.T) {
	down := fault.New(fault.Deadline, "dial tcp 10.1.2.3:5432: timeout")
	down.Origin = fault.OriginPlugin
	f := fault.Of(unreachable(down))
	if !strings.Contains(f.Error(), "10.1.2.3") || strings.Contains(f.ForCallers(), "10.1.2.3") || f.Class != fault.PluginUnavailable {
		t.Errorf("the operator is told %q, a caller %q", f.Error(), f.ForCallers())
	}
}
