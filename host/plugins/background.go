package plugins

import (
	"context"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/storage"
)

// RunInBackground runs f in a goroutine. The storage that f gets stays usable even if the
// instance is closed meanwhile. At most bounds.BackgroundCalls background calls of a tenant
// run at once. The ctx of f ends when the manager's Close begins, and Close waits for f to
// return. If the manager is being closed, if the instance was released, or if
// bounds.BackgroundTasks tasks run on the instance already, RunInBackground does not run f
// and returns false.
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

// holdForBackground returns a new hold on the instance for a background task, and counts
// the task. It returns false if RunInBackground must not run the task.
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
