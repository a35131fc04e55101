package fairshare

import (
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Cap bounds how many operations are under way, for each tenant and for all together. An
// operation counts whether it works or waits. Acquire never waits. A nil Cap bounds nothing.
type Cap struct {
	what      string // for errors
	all, each int

	mu      sync.Mutex
	count   int
	tenants map[string]int // how many each tenant has; tenants with 0 are removed
}

// NewCap returns a cap. In errors, what names the operations: "the tenant has 16 WHAT under
// way".
func NewCap(what string, all, each int) *Cap {
	return &Cap{what: what, all: all, each: each, tenants: map[string]int{}}
}

// Acquire counts one more operation of the tenant until release is called. The caller calls
// release once. If the tenant or all tenants have too many, the error is fault.RateLimited.
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
