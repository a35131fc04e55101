package registry

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk/fault"
)

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
		if f := fault.Of(err); !fault.Is(err, fault.Invalid) || f.Path.String() != "conversation_storage" || !strings.Contains(f.Message, "erase or purge") {
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
