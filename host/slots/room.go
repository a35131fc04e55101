package slots

import (
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// Room bounds what is under way, waiting or not: so much for each tenant and so much for all
// together. It is used concurrently. Nil bounds nothing.
type Room struct {
	what      string
	all, each int

	mu    sync.Mutex
	under int
	of    map[string]int // of each tenant; none is zero
}

// NewRoom makes a Room. What is for people: "the tenant has 16 WHAT, the most that ...".
func NewRoom(what string, all, each int) *Room {
	return &Room{what: what, all: all, each: each, of: map[string]int{}}
}

// Enter counts one more for the tenant until leave is called, once. fault.RateLimited, at
// once, where there is no room for it.
func (r *Room) Enter(tenant string) (leave func(), err error) {
	if r == nil {
		return func() {}, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.of[tenant] >= r.each:
		return nil, fault.New(fault.RateLimited, "the tenant has %d %s under way, the most that it may have at once", r.each, r.what).After(time.Second)
	case r.under >= r.all:
		return nil, fault.New(fault.RateLimited, "the host has %d %s under way, the most that it takes at once", r.all, r.what).After(time.Second).By(fault.PartyHost)
	}
	r.under++
	r.of[tenant]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.under--
		if r.of[tenant]--; r.of[tenant] == 0 {
			delete(r.of, tenant)
		}
	}, nil
}
