package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
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

func TestRegistry_History(t *testing.T) {
	a := openTestHost(t, &tenantstoretest.Memory{})
	for v := range 3 {
		put(t, a.Registry, "x", v+1)
	}
	put(t, a.Registry, "x", 3) // a Put of the same settings stores no new version
	versions, _, err := a.History(t.Context(), "x", 0, 10)
	if err != nil || len(versions) != 3 || versions[0].Version != 3 || versions[2].Effective.Revision != "1" {
		t.Fatalf("%+v, %v", versions, err)
	}
	if _, err := a.Rollback(t.Context(), "x", 1, "", "2"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a rollback from another revision: %v", err)
	}
	got, err := a.Rollback(t.Context(), "x", 1, "", "3")
	if err != nil || got.Version != 4 || got.Revision != "1" || a.revision(t, "x") != "1" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := a.Rollback(t.Context(), "x", 9, "", ""); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	for _, id := range []string{"nobody", "../x"} {
		if _, _, err := a.History(t.Context(), id, 0, 10); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", id, err)
		}
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

func TestPersistedCatalog_noteStorage(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a := openTestHost(t, shared)
	put(t, a.Registry, "x", 1)
	acquire(t, a.Registry, "x").Release()
	a.block = "two" // the tenants inherit another storage from now on
	acquire(t, a.Registry, "x", ForceRefresh()).Release()
	acquire(t, a.Registry, "x", ForceRefresh()).Release()
	if _, err := a.Put(t.Context(), "f", doc("v", 1), PutOptions{Source: "f.hcl"}); err != nil {
		t.Fatal(err)
	}
	acquire(t, a.Registry, "f").Release()
	for id, want := range map[string]int{"x": 2, "f": 1} {
		e, err := a.store.Get(t.Context(), id)
		if err != nil || len(e.Storages) != want || !e.Uses("two") {
			t.Errorf("%s: %+v, %v; want %d storages", id, e, err, want)
		}
	}
	if versions, _, err := a.History(t.Context(), "x", 0, 10); err != nil || len(versions) != 2 {
		t.Errorf("%d versions, %v; want 2", len(versions), err)
	}
}

// TestPersistedCatalog_noteStorage_boundedNumber checks that a storage is recorded when a turn
// may use it, and not when a registration names it. The number of recorded storages is bounded.
// Beyond the bound, a registration and a turn are refused, and the error says what to do.
func TestPersistedCatalog_noteStorage_boundedNumber(t *testing.T) {
	// beyond: storages noted
	shared := &tenantstoretest.Memory{}
	a := openTestHost(t, shared)
	register := func(n int, storage string) error {
		t.Helper()
		a.block = storage
		_, err := a.Put(t.Context(), "x", doc("v", n), PutOptions{})
		return err
	}
	noted := func(want int) {
		t.Helper()
		if e, err := a.store.Get(t.Context(), "x"); err != nil || len(e.Storages) != want {
			t.Fatalf("%d are noted, %v; want %d", len(e.Storages), err, want)
		}
	}
	n := 0
	for ; n < 2*bounds.MaxStoragesNoted; n++ {
		if err := register(n, fmt.Sprint("unused", n)); err != nil {
			t.Fatal(err)
		}
	}
	noted(1)
	for i := 1; i < bounds.MaxStoragesNoted; i++ {
		if err := register(n+i, fmt.Sprint("used", i)); err != nil {
			t.Fatal(err)
		}
		acquire(t, a.Registry, "x").Release()
		noted(1 + i)
	}
	n += bounds.MaxStoragesNoted
	wantFull := func(err error) {
		t.Helper()
		if f := fault.Of(err); !fault.Is(err, fault.Invalid) || f.Path != "conversation_storage" || !strings.Contains(f.Message, "erase or purge") {
			t.Fatalf("%v", err)
		}
	}
	wantFull(register(n, "one more"))
	_, err := a.Acquire(t.Context(), "x", ForceRefresh()) // the tenant inherits a storage beyond the bound
	wantFull(err)
	noted(bounds.MaxStoragesNoted)
	if err := register(n, "used7"); err != nil { // one of the recorded storages
		t.Fatal(err)
	}
	acquire(t, a.Registry, "x", ForceRefresh()).Release()
	if _, err := a.NewIncarnation(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if err := register(n+1, "one more"); err != nil {
		t.Errorf("after an erasure: %v", err)
	}
	acquire(t, a.Registry, "x", ForceRefresh()).Release()
}

// TestPersistedCatalog_noteStorage_boundedSize checks that the size of one recorded storage and
// the size of all recorded storages of a tenant are bounded. If an earlier build has recorded
// more storages than the bound, they are still read, stored and used.
func TestPersistedCatalog_noteStorage_boundedSize(t *testing.T) {
	// beyond: storage note
	// beyond: storage notes
	shared := &tenantstoretest.Memory{}
	a := openTestHost(t, shared)
	size := bounds.MaxStorageNoteBytes / 2
	a.o.Storage = func(*config.Effective) config.SealedBlock {
		return config.SealedBlock{Digest: a.block, Kind: "storage", Plugin: "p", Config: fmt.Appendf(nil, "%q", strings.Repeat("x", size))}
	}
	put(t, a.Registry, "x", 1)
	size = bounds.MaxStorageNoteBytes
	a.block = "large"
	if _, err := a.Put(t.Context(), "x", doc("v", 2), PutOptions{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
	size = bounds.MaxStorageNoteBytes / 2
	refused := 0
	for i := range 40 {
		a.block = fmt.Sprint("of some size ", i)
		if l, err := a.Acquire(t.Context(), "x", ForceRefresh()); err == nil {
			l.Release()
		} else if refused++; !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
	}
	e, err := a.store.Get(t.Context(), "x")
	if err != nil || len(e.Storages)*size > bounds.MaxStorageNotesBytes || len(e.Storages) < 30 || refused != 41-len(e.Storages) {
		t.Errorf("%d are noted, %d refused, %v", len(e.Storages), refused, err)
	}
	for i := range 200 { // more storages than the bound, as an earlier build may have stored them
		e.Storages = append(e.Storages, config.SealedBlock{Digest: fmt.Sprint("old", i), Kind: "storage", Plugin: "p", Config: []byte(`{}`)})
	}
	if _, err := a.store.Put(t.Context(), *e, tenantstore.PutOptions{IfVersion: e.Version}); err != nil {
		t.Fatal(err)
	}
	a.block = "old150"
	b := openTestHost(t, shared)
	b.o.Storage, b.block = a.o.Storage, a.block
	b.within(t, "x", "1")
	if _, err := b.Put(t.Context(), "x", doc("v", 3), PutOptions{}); err != nil {
		t.Error(err)
	}
	b.within(t, "x", "3")
	if s, err := b.Snapshot(t.Context(), "x"); err != nil || len(s.Incarnation.Storages) != len(e.Storages) || s.Incarnation.Storages[0].Digest != "old150" {
		t.Errorf("%+v, %v", s, err)
	}
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

func TestPersistedCatalog_noteStorage_keepsTheBuild(t *testing.T) {
	shared := &hasty{Memory: &tenantstoretest.Memory{}, put: func() {}}
	a := openTestHost(t, shared)
	shared.put = func() {
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			a.Registry.mu.Lock()
			heard := a.tenants["f"].heard
			a.Registry.mu.Unlock()
			if heard > 0 {
				return
			}
		}
		t.Error("the change was never heard of")
	}
	if _, err := a.Put(t.Context(), "f", doc("v", 1), PutOptions{Source: "f.hcl"}); err != nil {
		t.Fatal(err)
	}
	acquire(t, a.Registry, "f").Release()
	l := acquire(t, a.Registry, "f")
	defer l.Release()
	if !l.Cached {
		t.Error("a bot was dropped for the host's own note")
	}
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
