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
