package registry

import (
	"fmt"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk/fault"
)

func TestRegistry_MayTry(t *testing.T) {
	// beyond: storages tried
	r := (&builder{}).open(t, time.Minute, 10)
	try := func(id string, n int) bool { return r.MayTry(id, config.SealedBlock{Digest: fmt.Sprint(n)}) }
	for n := range bounds.MaxStoragesTried {
		if !try("a", n) {
			t.Fatalf("storage %d is not tried", n)
		}
	}
	if try("a", bounds.MaxStoragesTried) || !try("a", 7) || !try("b", bounds.MaxStoragesTried) {
		t.Error("one more is tried, or one of those is not, or another tenant's is not")
	}
	for n := range 2 * bounds.MaxTenantsTried {
		try(fmt.Sprint("tenant", n), 1)
	}
	if n := r.tries.of.Len(); n != bounds.MaxTenantsTried {
		t.Errorf("%d tenants are remembered", n)
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
