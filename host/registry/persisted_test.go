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
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// site is one of several hosts on one tenant store.
type site struct {
	*yard
	*Registry
	store        *tenantstore.Store
	mu           sync.Mutex
	incarnations map[string]string // tenant to the incarnation of its last bot
	block        string            // digest of the storage that all tenants use
}

func openSite(t *testing.T, shared storage.TenantStore) *site {
	t.Helper()
	s := &site{yard: &yard{}, incarnations: map[string]string{}, block: "one"}
	s.store = tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: secret.NewKey(), Changed: func(c []storage.TenantChange) { s.StoreChanged(c) }})
	s.Registry = s.open(t, time.Minute, 10, func(o *Options) {
		o.Store = s.store
		o.now = time.Now
		o.Storage = func(*config.Effective) config.SealedBlock {
			return config.SealedBlock{Digest: s.block, Kind: "storage", Plugin: "p", Config: []byte(`{}`)}
		}
		build := o.Build
		o.Build = func(ctx context.Context, req BuildRequest) (Built, error) {
			s.mu.Lock()
			s.incarnations[req.Effective.Tenant] = req.Incarnation
			s.mu.Unlock()
			return build(ctx, req)
		}
	})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.store.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return s
}

func (s *site) incarnation(tenant string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.incarnations[tenant]
}

// revision is what the site serves now; empty for none.
func (s *site) revision(t *testing.T, id string) string {
	t.Helper()
	l, err := s.Acquire(t.Context(), id)
	if fault.Is(err, fault.NotFound) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	return l.Revision
}

// within waits for what a site serves.
func (s *site) within(t *testing.T, id, want string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		got := s.revision(t, id)
		if got == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("tenant %s is served at revision %q; want %q", id, got, want)
		}
	}
}

func TestAllHostsServeWhatOneRegistered(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a, b := openSite(t, shared), openSite(t, shared)
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
		t.Errorf("lives %q and %q", a.incarnation("x"), b.incarnation("x"))
	}
	if err := a.Remove(t.Context(), "x", "2"); err != nil {
		t.Fatal(err)
	}
	b.within(t, "x", "")
	_, _, err := b.Put(t.Context(), "x", doc("v", 3), PutOptions{})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("a reserved id was given away: %v", err)
	}
	if list, _, err := b.List(t.Context(), "", 10); err != nil || len(list) != 1 || !list[0].Removed {
		t.Errorf("list %+v, %v", list, err)
	}
	life := a.incarnation("x")
	if _, err := b.Restore(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	a.within(t, "x", "2")
	if a.incarnation("x") != life {
		t.Error("a restored tenant has another life")
	}
}

// An unchanged host must find out without being told: the storage gives no notice here.
func TestACachedBotOfAChangedTenantIsNotServedForASecond(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a, b := openSite(t, shared), openSite(t, shared)
	put(t, a.Registry, "x", 0)
	b.within(t, "x", "0")
	for i := 1; i < 4; i++ {
		put(t, a.Registry, "x", i)
		changed := time.Now()
		// What b serves later than a second after the change, however busy the machine is.
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

func TestNothingIsServedBlindly(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a := openSite(t, shared)
	put(t, a.Registry, "x", 1)
	file := PutOptions{Source: "f.hcl"}
	if _, _, err := a.Put(t.Context(), "f", doc("v", 1), file); err != nil {
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
	acquire(t, a.Registry, "f").Release() // a file's tenant needs no registry
	shared.Fail(nil)
	a.within(t, "x", "1")
}

func TestOnlyOneOfTwoConditionalPutsWins(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	sites := []*site{openSite(t, shared), openSite(t, shared)}
	put(t, sites[0].Registry, "x", "0")
	var wg sync.WaitGroup
	won := make(chan int, 20)
	for i := range 20 {
		wg.Go(func() {
			_, _, err := sites[i%2].Put(t.Context(), "x", doc("v", fmt.Sprint("n", i)), PutOptions{IfMatch: "0"})
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
	// Without a condition all are taken, one after the other.
	for i := range 8 {
		wg.Go(func() { put(t, sites[i%2].Registry, "y", i) })
	}
	wg.Wait()
	if versions, _, err := sites[0].History(t.Context(), "y", 0, 100); err != nil || len(versions) != 8 {
		t.Errorf("%d versions, %v; want 8", len(versions), err)
	}
}

func TestHistoryAndRollback(t *testing.T) {
	a := openSite(t, &tenantstoretest.Memory{})
	for v := range 3 {
		put(t, a.Registry, "x", v+1)
	}
	put(t, a.Registry, "x", 3) // the same again is no change
	versions, _, err := a.History(t.Context(), "x", 0, 10)
	if err != nil || len(versions) != 3 || versions[0].Version != 3 || versions[2].Effective.Revision != "1" {
		t.Fatalf("%+v, %v", versions, err)
	}
	if _, _, err := a.Rollback(t.Context(), "x", 1, "", "2"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a rollback from another revision: %v", err)
	}
	got, _, err := a.Rollback(t.Context(), "x", 1, "", "3")
	if err != nil || got.Version != 4 || got.Revision != "1" || a.revision(t, "x") != "1" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, _, err := a.Rollback(t.Context(), "x", 9, "", ""); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	for _, id := range []string{"nobody", "../x"} {
		if _, _, err := a.History(t.Context(), id, 0, 10); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestAnIDHasOneSource(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a, b := openSite(t, shared), openSite(t, shared)
	put(t, a.Registry, "x", 1)
	if err := b.Books(t); err != nil {
		t.Fatal(err)
	}
	if err := b.IDTaken(t.Context(), "x"); err == nil {
		t.Error("a file may have the id of a registered tenant")
	}
	// One that a file brought in all the same serves nothing.
	if _, _, err := b.Put(t.Context(), "x", doc("v", 2), PutOptions{Source: "x.hcl"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Acquire(t.Context(), "x"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a file took the conversations of a registered tenant: %v", err)
	}
	if _, _, err := b.Put(t.Context(), "f", doc("v", 1), PutOptions{Source: "f.hcl"}); err != nil {
		t.Fatal(err)
	}
	acquire(t, b.Registry, "f").Release()
	if _, _, err := b.Put(t.Context(), "f", doc("v", 2), PutOptions{}); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	// Nor where the file is not.
	if _, _, err := a.Put(t.Context(), "f", doc("v", 2), PutOptions{}); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
}

// Books waits until the site knows that the ledger has something.
func (s *site) Books(t *testing.T) error {
	for end := time.Now().Add(time.Minute); s.store.Empty(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("the site never heard of the registration")
		}
	}
	return nil
}

func TestEveryStorageThatWasUsedIsNoted(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a := openSite(t, shared)
	put(t, a.Registry, "x", 1)
	acquire(t, a.Registry, "x").Release()
	a.block = "two" // what tenants inherit changed
	acquire(t, a.Registry, "x", ForceRefresh()).Release()
	acquire(t, a.Registry, "x", ForceRefresh()).Release()
	if _, _, err := a.Put(t.Context(), "f", doc("v", 1), PutOptions{Source: "f.hcl"}); err != nil {
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

// What is registered and never used is not kept in mind, however often; what is used is,
// up to a bound, beyond which a registration and a turn are refused and say what to do.
func TestStoragesThatAreNotedAreBounded(t *testing.T) {
	// beyond: storages noted
	shared := &tenantstoretest.Memory{}
	a := openSite(t, shared)
	register := func(n int, storage string) error {
		t.Helper()
		a.block = storage
		_, _, err := a.Put(t.Context(), "x", doc("v", n), PutOptions{})
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
	_, err := a.Acquire(t.Context(), "x", ForceRefresh()) // what it inherits changed
	wantFull(err)
	noted(bounds.MaxStoragesNoted)
	if err := register(n, "used7"); err != nil { // back to one of them
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

// The sizes of what is noted are bounded, for one and for all, and what an earlier build
// noted beyond the bounds is read, kept and gone on with.
func TestSizesOfStoragesThatAreNotedAreBounded(t *testing.T) {
	// beyond: storage note
	// beyond: storage notes
	shared := &tenantstoretest.Memory{}
	a := openSite(t, shared)
	size := bounds.MaxStorageNoteBytes / 2
	a.o.Storage = func(*config.Effective) config.SealedBlock {
		return config.SealedBlock{Digest: a.block, Kind: "storage", Plugin: "p", Config: fmt.Appendf(nil, "%q", strings.Repeat("x", size))}
	}
	put(t, a.Registry, "x", 1)
	size = bounds.MaxStorageNoteBytes
	a.block = "large"
	if _, _, err := a.Put(t.Context(), "x", doc("v", 2), PutOptions{}); !fault.Is(err, fault.Invalid) {
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
	for i := range 200 { // as yesterday's build did
		e.Storages = append(e.Storages, config.SealedBlock{Digest: fmt.Sprint("old", i), Kind: "storage", Plugin: "p", Config: []byte(`{}`)})
	}
	if _, err := a.store.Put(t.Context(), *e, tenantstore.PutOptions{IfVersion: e.Version}); err != nil {
		t.Fatal(err)
	}
	a.block = "old150"
	b := openSite(t, shared)
	b.o.Storage, b.block = a.o.Storage, a.block
	b.within(t, "x", "1")
	if _, _, err := b.Put(t.Context(), "x", doc("v", 3), PutOptions{}); err != nil {
		t.Error(err)
	}
	b.within(t, "x", "3")
	if s, err := b.Snapshot(t.Context(), "x"); err != nil || len(s.Incarnation.Storages) != len(e.Storages) || s.Incarnation.Storages[0].Digest != "old150" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestUnknownIDsAreNotAskedForAgain(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a := openSite(t, shared)
	for range 3 {
		a.revision(t, "nobody")
	}
	before := shared.Calls()
	start := time.Now()
	for range 1000 {
		a.revision(t, "nobody")
	}
	// Hearings go on meanwhile.
	if most := 2 + int(time.Since(start)/(100*time.Millisecond)); shared.Calls()-before > most {
		t.Errorf("%d calls for 1,000 requests of an unknown tenant", shared.Calls()-before)
	}
}

// tardy answers what it read only when it is let go.
type tardy struct {
	*tenantstoretest.Memory
	read  chan struct{} // gets one when the newest versions were read
	letGo chan struct{}
}

func (r *tardy) GetTenants(ctx context.Context, ids []string) ([]storage.Registration, error) {
	found, err := r.Memory.GetTenants(ctx, ids)
	r.read <- struct{}{}
	<-r.letGo
	return found, err
}

func TestATenantThatChangesWhileItIsReadIsReadAgain(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	b := openSite(t, shared)
	put(t, b.Registry, "x", 1)
	slow := &tardy{shared, make(chan struct{}, 10), make(chan struct{})}
	a := openSite(t, slow)
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

// hasty lets a change be heard of before whoever made it knows that it is done.
type hasty struct {
	*tenantstoretest.Memory
	put func()
}

func (r *hasty) PutTenant(ctx context.Context, req *storage.PutTenantRequest) (*storage.Registration, error) {
	put, err := r.Memory.PutTenant(ctx, req)
	r.put()
	return put, err
}

func TestNotingAStorageDoesNotUndoTheBuild(t *testing.T) {
	shared := &hasty{Memory: &tenantstoretest.Memory{}, put: func() {}}
	a := openSite(t, shared)
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
	if _, _, err := a.Put(t.Context(), "f", doc("v", 1), PutOptions{Source: "f.hcl"}); err != nil {
		t.Fatal(err)
	}
	acquire(t, a.Registry, "f").Release()
	l := acquire(t, a.Registry, "f")
	defer l.Release()
	if !l.Cached {
		t.Error("a bot was dropped for the host's own note")
	}
}

func TestANewTenantThatAnotherHostChangedAtOnceIsNotServedAsItWas(t *testing.T) {
	shared := &hasty{Memory: &tenantstoretest.Memory{}, put: func() {}}
	a := openSite(t, shared)
	b := openSite(t, shared.Memory)
	first := true
	shared.put = func() {
		if !first {
			return
		}
		first = false
		// Before a knows that its own is done, b is faster and a hears of it.
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

// persisted returns the site's catalog.
func (s *site) persisted() *persistedCatalog { return s.catalog.(*persistedCatalog) }
