package registry

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// outlives waits until the host's next bot of the tenant has another incarnation than before.
func (s *testHost) outlives(t *testing.T, id, before string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		acquire(t, s.Registry, id).Release()
		if s.incarnation(id) != before {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is still served under the incarnation %q", id, before)
		}
	}
}

func TestRegistry_NewIncarnation(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a, b := openTestHost(t, shared), openTestHost(t, shared)
	put(t, a.Registry, "x", 1)
	for _, s := range []*testHost{a, b} {
		if _, err := s.Put(t.Context(), "f", doc("v", 1), PutOptions{Source: "f.hcl"}); err != nil {
			t.Fatal(err)
		}
		s.within(t, "x", "1")
		s.within(t, "f", "1")
	}
	for _, id := range []string{"x", "f"} {
		was, other := a.incarnation(id), b.incarnation(id)
		ended, err := a.NewIncarnation(t.Context(), id)
		if err != nil || len(ended.Former) != 1 || ended.Former[0].ID != was || len(ended.Former[0].Storages) != 1 {
			t.Fatalf("%s: %+v, %v", id, ended, err)
		}
		a.outlives(t, id, was)
		b.outlives(t, id, other)
		if a.incarnation(id) != b.incarnation(id) || a.incarnation(id) == "" {
			t.Errorf("%s: incarnations %q and %q", id, a.incarnation(id), b.incarnation(id))
		}
	}
	// Former incarnations are still listed after a change of the tenant.
	put(t, a.Registry, "x", 2)
	again, err := b.NewIncarnation(t.Context(), "x")
	if err != nil || len(again.Former) != 2 {
		t.Fatalf("%+v, %v", again, err)
	}
	if err := b.ForgetFormer(t.Context(), "x", []string{again.Former[0].ID}, "erased"); err != nil {
		t.Fatal(err)
	}
	left, err := a.Snapshot(t.Context(), "x")
	if err != nil || len(left.Former) != 1 || left.Former[0].ID != again.Former[1].ID || left.Source != SourceAPI {
		t.Errorf("%+v, %v", left, err)
	}
	if _, err := a.NewIncarnation(t.Context(), "nobody"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestRegistry_FinishPurge(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a, b := openTestHost(t, shared), openTestHost(t, shared)
	put(t, a.Registry, "x", 1)
	b.within(t, "x", "1")
	was := b.incarnation("x")
	gone, err := a.BeginPurge(t.Context(), "x", json.RawMessage(`{"begun":1}`))
	if err != nil || gone.State != storage.TenantRemoved || gone.Incarnation.ID != was || string(gone.Receipt) != `{"begun":1}` {
		t.Fatalf("%+v, %v", gone, err)
	}
	b.within(t, "x", "")
	if _, err := b.Restore(t.Context(), "x"); !fault.Is(err, fault.Conflict) {
		t.Errorf("restored while it is purged: %v", err)
	}
	if _, err := b.NewIncarnation(t.Context(), "x"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a new incarnation while it is purged: %v", err)
	}
	if err := a.KeepReceipt(t.Context(), "x", json.RawMessage(`{"turns":3}`)); err != nil {
		t.Fatal(err)
	}
	if again, err := b.BeginPurge(t.Context(), "x", nil); err != nil || string(again.Receipt) != `{"turns":3}` {
		t.Errorf("%+v, %v", again, err)
	}
	if n, err := b.CountVersions(t.Context(), "x"); err != nil || n != 3 {
		t.Errorf("%d versions, %v; want 3", n, err)
	}
	if kept, err := b.FinishPurge(t.Context(), "x", json.RawMessage(`{"all":1}`), "purged"); err != nil || string(kept) != `{"all":1}` {
		t.Fatalf("%s, %v", kept, err)
	}
	if kept, err := a.FinishPurge(t.Context(), "x", json.RawMessage(`{"mine":1}`), "purged"); err != nil || string(kept) != `{"all":1}` {
		t.Errorf("the slower of two purges answers %s, %v", kept, err)
	}
	if done, err := a.BeginPurge(t.Context(), "x", nil); err != nil || done.State != storage.TenantPurged || string(done.Receipt) != `{"all":1}` {
		t.Errorf("%+v, %v", done, err)
	}
	versions, _, err := a.History(t.Context(), "x", 0, 10)
	if err != nil || len(versions) != 1 || versions[0].Document != nil || string(versions[0].Receipt) != `{"all":1}` {
		t.Errorf("%+v, %v", versions, err)
	}
	put(t, a.Registry, "x", 2)
	a.within(t, "x", "2")
	if a.incarnation("x") == was || a.incarnation("x") == "" {
		t.Errorf("it lives on as %q", a.incarnation("x"))
	}
	if s, err := a.Snapshot(t.Context(), "x"); err != nil || s.Receipt != nil || len(s.Incarnation.Storages) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestRegistry_BeginPurge_fileTenant(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a, b := openTestHost(t, shared), openTestHost(t, shared)
	for _, s := range []*testHost{a, b} {
		if _, err := s.Put(t.Context(), "f", doc("v", 1), PutOptions{Source: "f.hcl"}); err != nil {
			t.Fatal(err)
		}
		acquire(t, s.Registry, "f").Release()
	}
	if _, err := a.BeginPurge(t.Context(), "f", json.RawMessage(`{}`)); !fault.Is(err, fault.Conflict) {
		t.Errorf("a served file's tenant is retired: %v", err)
	}
	a.DropFile("f", "f.hcl")
	if s, err := a.BeginPurge(t.Context(), "f", json.RawMessage(`{}`)); err != nil || len(s.Incarnation.Storages) != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	// Another host that still has the file does not serve the tenant either.
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		l, err := b.Acquire(t.Context(), "f")
		if err != nil {
			break
		}
		l.Release()
		if time.Now().After(end) {
			t.Fatal("a retired tenant is served from another host's file")
		}
	}
	if _, err := b.Snapshot(t.Context(), "f"); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	if _, err := a.FinishPurge(t.Context(), "f", json.RawMessage(`{}`), ""); err != nil {
		t.Fatal(err)
	}
	b.outlives(t, "f", "")
}

func TestRegistry_ForEachTenant(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a := openTestHost(t, shared)
	for _, id := range []string{"x", "y", "removed", "unwanted"} {
		put(t, a.Registry, id, id)
	}
	for _, id := range []string{"f", "g"} {
		if _, err := a.Put(t.Context(), id, doc("v", id), PutOptions{Source: id + ".hcl"}); err != nil {
			t.Fatal(err)
		}
	}
	acquire(t, a.Registry, "f").Release()
	if err := a.Remove(t.Context(), "removed", ""); err != nil {
		t.Fatal(err)
	}
	var got []string
	unless := func(d config.Documents) bool { return d.Operator.Values()["v"] != "unwanted" }
	err := a.ForEachTenant(t.Context(), ForEachOptions{Wanted: unless, Pause: func(time.Duration) error { return nil }}, func(s *Snapshot) error {
		got = append(got, s.Tenant)
		if s.Effective == nil || len(s.Incarnation.Storages) != 1 {
			t.Errorf("%+v", s)
		}
		return nil
	})
	if want := []string{"f", "g", "removed", "x", "y"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestMemoryCatalog_purge(t *testing.T) {
	r := (&builder{}).open(t, time.Minute, 10)
	r.o.Storage = func(*config.Effective) config.SealedBlock { return config.SealedBlock{Digest: "one"} }
	put(t, r, "x", 1)
	s, err := r.NewIncarnation(t.Context(), "x")
	if err != nil || len(s.Former) != 1 || s.Former[0].Storages[0].Digest != "one" {
		t.Fatalf("%+v, %v", s, err)
	}
	for range 2 { // the second call repeats an interrupted purge
		if s, err = r.BeginPurge(t.Context(), "x", json.RawMessage(`{"begun":1}`)); err != nil || len(s.Incarnation.Storages) != 1 || s.Receipt == nil {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	if _, err := r.Acquire(t.Context(), "x"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if _, err := r.FinishPurge(t.Context(), "x", nil, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := r.BeginPurge(t.Context(), "x", nil); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}
