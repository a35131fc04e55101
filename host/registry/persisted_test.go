package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func TestPersistedCatalog_allHostsServeWhatOneRegistered(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a, b := openTestHost(t, shared), openTestHost(t, shared)
	if a.revision(t, "x") != "" || b.revision(t, "x") != "" {
		t.Error("an unknown tenant is served")
	}
	put(t, a.Registry, "x", 1)
	if a.revision(t, "x") != "1" {
		t.Error("not served where it was registered")
	}
	b.within(t, "x", "1")
	put(t, b.Registry, "x", 2)
	a.within(t, "x", "2")
	if a.incarnation("x") == "" || a.incarnation("x") != b.incarnation("x") {
		t.Errorf("incarnations %q and %q", a.incarnation("x"), b.incarnation("x"))
	}
	if err := a.Remove(t.Context(), "x", "2"); err != nil {
		t.Fatal(err)
	}
	b.within(t, "x", "")
	_, err := b.Put(t.Context(), "x", doc("v", 3), PutOptions{})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("a reserved id was given away: %v", err)
	}
	if list, _, err := b.List(t.Context(), "", 10); err != nil || len(list) != 1 || !list[0].Removed {
		t.Errorf("list %+v, %v", list, err)
	}
	was := a.incarnation("x")
	if _, err := b.Restore(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	a.within(t, "x", "2")
	if a.incarnation("x") != was {
		t.Error("a restored tenant has another incarnation")
	}
}

func TestPersistedCatalog_change_oneConditionalPutWins(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	sites := []*testHost{openTestHost(t, shared), openTestHost(t, shared)}
	put(t, sites[0].Registry, "x", "0")
	var wg sync.WaitGroup
	won := make(chan int, 20)
	for i := range 20 {
		wg.Go(func() {
			_, err := sites[i%2].Put(t.Context(), "x", doc("v", fmt.Sprint("n", i)), PutOptions{IfMatch: "0"})
			if err == nil {
				won <- i
			} else if !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(won)
	if len(won) != 1 {
		t.Errorf("%d of 20 puts on one revision succeeded", len(won))
	}
	// Puts without a condition all succeed, one after another.
	for i := range 8 {
		wg.Go(func() { put(t, sites[i%2].Registry, "y", i) })
	}
	wg.Wait()
	if versions, _, err := sites[0].History(t.Context(), "y", 0, 100); err != nil || len(versions) != 8 {
		t.Errorf("%d versions, %v; want 8", len(versions), err)
	}
}

func TestRegistry_IDTaken(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a, b := openTestHost(t, shared), openTestHost(t, shared)
	put(t, a.Registry, "x", 1)
	if err := b.waitForStore(t); err != nil {
		t.Fatal(err)
	}
	if err := b.IDTaken(t.Context(), "x"); err == nil {
		t.Error("a file may have the id of a registered tenant")
	}
	// A host may have a file with the id all the same. Then the file's tenant gets no turns.
	if _, err := b.Put(t.Context(), "x", doc("v", 2), PutOptions{Source: "x.hcl"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Acquire(t.Context(), "x"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a file took the conversations of a registered tenant: %v", err)
	}
	if _, err := b.Put(t.Context(), "f", doc("v", 1), PutOptions{Source: "f.hcl"}); err != nil {
		t.Fatal(err)
	}
	acquire(t, b.Registry, "f").Release()
	if _, err := b.Put(t.Context(), "f", doc("v", 2), PutOptions{}); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	// The id of a file's tenant cannot be registered on a host without the file either.
	if _, err := a.Put(t.Context(), "f", doc("v", 2), PutOptions{}); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
}

// waitForStore waits until the host knows that the tenant store is not empty.
func (s *testHost) waitForStore(t *testing.T) error {
	for end := time.Now().Add(time.Minute); s.store.Empty(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("the host never heard of the registration")
		}
	}
	return nil
}

// hasty is a tenant store that calls put after it has stored a change and before PutTenant
// returns.
type hasty struct {
	*tenantstoretest.Memory
	put func()
}

func (r *hasty) PutTenant(ctx context.Context, req *storage.PutTenantRequest) (*storage.Registration, error) {
	put, err := r.Memory.PutTenant(ctx, req)
	r.put()
	return put, err
}

func TestPersistedCatalog_takePut_readsANewTenantAgain(t *testing.T) {
	shared := &hasty{Memory: &tenantstoretest.Memory{}, put: func() {}}
	a := openTestHost(t, shared)
	b := openTestHost(t, shared.Memory)
	first := true
	shared.put = func() {
		if !first {
			return
		}
		first = false
		// Before the Put of host a returns, host b puts another version, and host a polls the
		// version of b.
		put(t, b.Registry, "x", 2)
		if err := a.store.EnsureFresh(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
	}
	put(t, a.Registry, "x", 1)
	if got := a.revision(t, "x"); got != "2" {
		t.Errorf("revision %s is served long after it was replaced", got)
	}
}
