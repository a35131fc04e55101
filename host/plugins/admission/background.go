package admission

import (
	"context"
	"sync"

	"github.com/botyard/botyard/host/bounds"
)

// BackgroundSlots limits how many background calls run at once, over all plugins. Each
// tenant may have bounds.BackgroundCalls of them, and all tenants together
// bounds.BackgroundCallsOfAll. A BackgroundSlots is safe for concurrent use.
type BackgroundSlots struct {
	all chan struct{}

	mu      sync.Mutex
	tenants map[string]*tenantSlots
}

// tenantSlots holds the slots of one tenant. The map BackgroundSlots.tenants contains the
// tenantSlots while users is above 0.
type tenantSlots struct {
	slots chan struct{}
	users int
}

// NewBackgroundSlots returns a BackgroundSlots whose slots are all free.
func NewBackgroundSlots() *BackgroundSlots {
	return &BackgroundSlots{all: make(chan struct{}, bounds.BackgroundCallsOfAll), tenants: map[string]*tenantSlots{}}
}

// Acquire waits for a slot of the tenant, and then for a slot that all tenants share. The
// caller must call release exactly once. If ctx ends first, Acquire returns the error of
// ctx.
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

// join returns the tenant's slots and adds 1 to their users. The caller must call part when
// it no longer uses the slots.
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

// part subtracts 1 from the users of the tenant's slots. It deletes the slots from the map
// when users is 0.
func (b *BackgroundSlots) part(tenant string, own *tenantSlots) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if own.users--; own.users == 0 {
		delete(b.tenants, tenant)
	}
}
