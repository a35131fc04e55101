package plugins

import (
	"context"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/storage"
)

// RunInBackground runs f in a goroutine, with a storage that stays usable although the instance is
// given back. Only a few of a tenant's calls in the background are made at once. The ctx of
// f ends when the manager's Close begins, and Close waits for f. RunInBackground reports false, and
// does not run f, when the manager is being closed, when the instance was released, or when
// too many tasks run on it already.
func (s storageCaller) RunInBackground(f func(ctx context.Context, s storage.Storage)) bool {
	own, ok := s.i.m.holdForBackground(s.i)
	if !ok {
		return false
	}
	go func() {
		defer s.i.m.tasks.Done()
		defer func() {
			s.i.m.mu.Lock()
			s.i.backgroundTasks--
			s.i.m.mu.Unlock()
			own.Close()
		}()
		f(s.i.m.tasksContext, own.Storage())
	}()
	return true
}

// holdForBackground returns another hold on the instance, and counts a task.
func (m *Manager) holdForBackground(i *Instance) (*Instance, bool) {
	in := i.instance
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing || in.releasing != nil || in.backgroundTasks >= bounds.BackgroundTasks {
		return nil, false
	}
	in.holdLocked(i.tenant)
	m.noteHeldLocked(in, i.tenant)
	in.backgroundTasks++
	m.tasks.Add(1)
	return &Instance{instance: in, m: m, block: i.block, tenant: i.tenant, background: true}, true
}
