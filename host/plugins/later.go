package plugins

import (
	"context"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/storage"
)

// Later runs f in the background, with the storage, which stays for it though the
// instance is given back. Of the calls that a tenant makes so, only a few have a slot of
// the plugin at once, and the others wait. ctx ends when the manager is closed, and Close
// waits for f. It answers false, and f is not run, when the manager is being closed, when the
// instance was released, or when there is too much of that on it already.
func (s storageCaller) Later(f func(ctx context.Context, s storage.Storage)) bool {
	own, ok := s.i.m.holdLater(s.i)
	if !ok {
		return false
	}
	go func() {
		defer s.i.m.tasks.Done()
		defer func() {
			s.i.m.mu.Lock()
			s.i.later--
			s.i.m.mu.Unlock()
			own.Close()
		}()
		f(s.i.m.later, own.Storage())
	}()
	return true
}

// holdLater makes another hold on the instance, and counts a task.
func (m *Manager) holdLater(i *Instance) (*Instance, bool) {
	in := i.instance
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing || in.releasing != nil || in.later >= bounds.BackgroundTasks {
		return nil, false
	}
	in.take(i.tenant)
	m.noteHeldLocked(in, i.tenant)
	in.later++
	m.tasks.Add(1)
	return &Instance{instance: in, m: m, block: i.block, tenant: i.tenant, background: true}, true
}

// backgroundSlots are those of the background, of all plugins together.
type backgroundSlots struct {
	all     chan struct{}
	tenants map[string]*tenantSlots // under the manager's lock
}

// tenantSlots are the slots of one tenant's background calls; it is there while users is
// not 0.
type tenantSlots struct {
	slots chan struct{}
	users int
}

// acquireBackground waits until the tenant may make another call in the background, and
// until all may. The release function must be called once.
func (m *Manager) acquireBackground(ctx context.Context, tenant string) (release func(), err error) {
	m.mu.Lock()
	own := m.background.tenants[tenant]
	if own == nil {
		own = &tenantSlots{slots: make(chan struct{}, bounds.BackgroundCalls)}
		m.background.tenants[tenant] = own
	}
	own.users++
	m.mu.Unlock()
	forget := func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(m.background.tenants, tenant)
		}
	}
	select {
	case own.slots <- struct{}{}:
	case <-ctx.Done():
		forget()
		return nil, ctx.Err()
	}
	select {
	case m.background.all <- struct{}{}:
		return func() { <-m.background.all; <-own.slots; forget() }, nil
	case <-ctx.Done():
		<-own.slots
		forget()
		return nil, ctx.Err()
	}
}
