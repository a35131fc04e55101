package admission

import (
	"context"
	"sync"

	"github.com/botyard/botyard/host/bounds"
)

// BackgroundSlots bounds the calls that are made in the background, of all plugins
// together: bounds.BackgroundCallsOfAll for all tenants, bounds.BackgroundCalls for each.
// It is used by any number of goroutines.
type BackgroundSlots struct {
	all chan struct{}

	mu      sync.Mutex
	tenants map[string]*tenantSlots
}

// tenantSlots are the slots of one tenant. They are in the map while users is not 0.
type tenantSlots struct {
	slots chan struct{}
	users int
}

// NewBackgroundSlots returns slots that are all free.
func NewBackgroundSlots() *BackgroundSlots {
	return &BackgroundSlots{all: make(chan struct{}, bounds.BackgroundCallsOfAll), tenants: map[string]*tenantSlots{}}
}

// Acquire waits for one of the tenant's slots, and then for one of the slots of all tenants.
// release must be called once. If ctx ends first, its error is returned.
func (b *BackgroundSlots) Acquire(ctx context.Context, tenant string) (release func(), err error) {
	own := b.join(tenant)
	select {
	case own.slots <- struct{}{}:
	case <-ctx.Done():
		b.part(tenant, own)
		return nil, ctx.Err()
	}
	select {
	case b.all <- struct{}{}:
		return func() { <-b.all; <-own.slots; b.part(tenant, own) }, nil
	case <-ctx.Done():
		<-own.slots
		b.part(tenant, own)
		return nil, ctx.Err()
	}
}

// join returns the tenant's slots and counts a user of them. part counts it out.
func (b *BackgroundSlots) join(tenant string) *tenantSlots {
	b.mu.Lock()
	defer b.mu.Unlock()
	own := b.tenants[tenant]
	if own == nil {
		own = &tenantSlots{slots: make(chan struct{}, bounds.BackgroundCalls)}
		b.tenants[tenant] = own
	}
	own.users++
	return own
}

// part counts a user of the tenant's slots out, and drops the slots with the last user.
func (b *BackgroundSlots) part(tenant string, own *tenantSlots) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if own.users--; own.users == 0 {
		delete(b.tenants, tenant)
	}
}
