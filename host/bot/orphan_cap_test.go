package bot

import (
	"fmt"
	"testing"

	"github.com/botyard/botyard/host/bounds"
)

func TestOrphanCap(t *testing.T) {
	// beyond: orphan turns
	var o OrphanCap
	var release []func()
	take := func(tenant string, bytes int) bool {
		f, ok := o.reserve(tenant, bytes)
		if ok {
			release = append(release, f)
		}
		return ok
	}
	for range bounds.MaxOrphans {
		if !take("a", 1) {
			t.Fatal("one of those that a tenant may have is refused")
		}
	}
	if take("a", 1) || !take("b", bounds.MaxOrphanBytes) || take("b", 1) {
		t.Error("one tenant has more, or another fewer")
	}
	for i := range bounds.MaxAllOrphanBytes / bounds.MaxOrphanBytes {
		take(fmt.Sprint("large", i), bounds.MaxOrphanBytes-bounds.MaxOrphans)
	}
	for i := range 2 * bounds.MaxAllOrphans {
		take(fmt.Sprint("tenant", i), 0)
	}
	if o.all.turns != bounds.MaxAllOrphans || o.all.bytes > bounds.MaxAllOrphanBytes {
		t.Errorf("all: %+v", o.all)
	}
	for _, f := range release {
		f()
	}
	if o.all != (orphanCount{}) || len(o.tenants) != 0 {
		t.Errorf("%+v of %d tenants after the last", o.all, len(o.tenants))
	}
}
