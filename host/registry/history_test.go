package registry

import (
	"testing"

	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk/fault"
)

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

// TestRegistry_Rollback_ownSettings checks that own settings can be rolled back only to a
// version that the present check accepts.
func TestRegistry_Rollback_ownSettings(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a := openTestHost(t, shared)
	put(t, a.Registry, "x", 1)                           // version 1
	putOwn(t, a.Registry, "x", whenNot(int64(2), "old")) // version 2
	putOwn(t, a.Registry, "x", doc("v", "new"))          // version 3
	put(t, a.Registry, "x", 2)                           // version 4
	if _, err := a.Rollback(t.Context(), "x", 2, tenantstore.Tenant, ""); err == nil {
		t.Error("rolled back to what is refused today")
	}
	if got := a.revision(t, "x"); got != "2+new" {
		t.Errorf("served at %s", got)
	}
	if got, err := a.Rollback(t.Context(), "x", 3, "", ""); err != nil || got.Revision != "1+new" {
		t.Errorf("the operator's document alone: %+v, %v", got, err)
	}
	if got, err := a.Rollback(t.Context(), "x", 2, tenantstore.Tenant, ""); err != nil || got.Revision != "1+old" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := a.Rollback(t.Context(), "x", 1, tenantstore.Tenant, ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("rolled back to no own settings: %v", err)
	}
	if err := a.Remove(t.Context(), "x", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Put(t.Context(), "x", doc("v", "own"), PutOptions{Author: tenantstore.Tenant}); !fault.Is(err, fault.NotFound) {
		t.Errorf("own settings of a removed tenant: %v", err)
	}
	if got, err := a.Restore(t.Context(), "x"); err != nil || got.Revision != "1+old" {
		t.Errorf("%+v, %v", got, err)
	}
	// A new incarnation, in which all conversations are erased, has the same settings.
	if _, err := a.NewIncarnation(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if got := a.revision(t, "x"); got != "1+old" {
		t.Errorf("served at %s", got)
	}
	if _, err := a.BeginPurge(t.Context(), "x", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.FinishPurge(t.Context(), "x", []byte(`{}`), ""); err != nil {
		t.Fatal(err)
	}
	put(t, a.Registry, "x", 5)
	if got := a.revision(t, "x"); got != "5" {
		t.Errorf("a new tenant is served at %s", got)
	}
}
