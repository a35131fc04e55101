package fairshare

import (
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Cap limits how many operations run at the same time, for each tenant and for all tenants
// together. An operation counts from Acquire until its release, whether the operation works or
// waits. Acquire never waits. A nil Cap has no limit.
type Cap struct {
	what      string // the name of the operations in errors
	all, each int

	mu      sync.Mutex
	count   int
	tenants map[string]int // the number of operations of each tenant that has at least one
}

// NewCap returns a Cap that allows all operations in total and each operations of one tenant.
// Errors call the operations by the name in what: "the tenant has 16 WHAT under way".
func NewCap(what string, all, each int) *Cap {
	return &Cap{what: what, all: all, each: each, tenants: map[string]int{}}
}

// Acquire counts one more operation of the tenant. The caller calls release exactly once, when the
// operation has ended. If the tenant or all tenants together have reached the limit, Acquire
// returns a fault.RateLimited error.
func (c *Cap) Acquire(tenant string) (release func(), err error) {
	if c == nil {
		return func() {}, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.tenants[tenant] >= c.each:
		return nil, fault.New(fault.RateLimited, "the tenant has %d %s under way, the most that it may have at once", c.each, c.what).After(time.Second)
	case c.count >= c.all:
		return nil, fault.New(fault.RateLimited, "the host has %d %s under way, the most that it takes at once", c.all, c.what).After(time.Second).By(fault.PartyHost)
	}
	c.count++
	c.tenants[tenant]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.count--
		if c.tenants[tenant]--; c.tenants[tenant] == 0 {
			delete(c.tenants, tenant)
		}
	}, nil
}
