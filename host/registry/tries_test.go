package registry

import (
	"fmt"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
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
