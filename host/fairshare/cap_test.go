package fairshare

import (
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

func TestCap(t *testing.T) {
	c := NewCap("changes", 3, 2)
	acquire := func(tenant, want string) func() {
		t.Helper()
		release, err := c.Acquire(tenant)
		if want == "" && err != nil || want != "" && (err == nil || fault.Of(err).Class != fault.RateLimited || fault.Of(err).RetryAfter == 0 || err.Error() != want) {
			t.Errorf("%v; want %q", err, want)
		}
		return release
	}
	first := acquire("a", "")
	acquire("a", "")
	acquire("a", "the tenant has 2 changes under way, the most that it may have at once")
	last := acquire("b", "")
	acquire("c", "the host has 3 changes under way, the most that it takes at once")
	first()
	acquire("a", "")()
	last()
	if c.count != 1 || len(c.tenants) != 1 {
		t.Errorf("%d under way, of %v", c.count, c.tenants)
	}
}
