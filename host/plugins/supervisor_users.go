package plugins

import "github.com/botyard/botyard/host/plugins/discovery"

// useLocked returns the supervisor of the place, and makes it if there is none. It counts a
// user of it, which unuse counts out. Locked: mu is held.
func (m *Manager) useLocked(at place, b *discovery.Binary) *supervisor {
	s, ok := m.supervisors[at]
	if !ok {
		s = newSupervisor(m, b, at.scope)
		m.supervisors[at] = s
	}
	s.users.Add(1)
	return s
}

// unuse counts a user of the supervisor out. The process of a plugin that is isolated by
// tenant ends with its last user. A shared process stays for the next.
func (m *Manager) unuse(s *supervisor) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.users.Add(-1) > 0 {
		return
	}
	// A supervisor without a tenant may have been asked for the schema. While its process
	// cannot be started, it goes on trying.
	if s.scope != "" || !s.isTrying() {
		m.retireLocked(s)
	}
}

// retireUnused ends the supervisor if it has no users any more. It is called when a process
// was started, for which nobody may wait any more.
func (m *Manager) retireUnused(s *supervisor) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.users.Load() == 0 {
		m.retireLocked(s)
	}
}

// retireLocked ends a supervisor without users, if the plugin is isolated by tenant.
// Locked: mu is held.
func (m *Manager) retireLocked(s *supervisor) {
	at := place{s.ref, s.scope}
	if m.closing || m.supervisors[at] != s || s.scope == "" && m.isolationLocked(s.ref) != isolationTenant {
		return
	}
	delete(m.supervisors, at)
	m.tasks.Go(func() { s.shutdown(m.hard) })
}
