package plugins

import "github.com/botyard/botyard/host/plugins/discovery"

// useLocked returns the supervisor of the place, and creates it if there is none. It counts
// a user of the supervisor, which the caller ends with unuse. Locked: mu is held.
func (m *Manager) useLocked(at place, b *discovery.Binary) *supervisor {
	s, ok := m.supervisors[at]
	if !ok {
		s = newSupervisor(m, b, at.scope)
		m.supervisors[at] = s
	}
	s.users.Add(1)
	return s
}

// unuse removes a user of the supervisor. If the plugin is isolated by tenant, the process
// is stopped after its last user. A shared process stays for later users.
func (m *Manager) unuse(s *supervisor) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.users.Add(-1) > 0 {
		return
	}
	// A supervisor without a scope may have been created for the schema of a plugin that is
	// isolated by tenant. While it repeats failed starts, it is not stopped.
	if s.scope != "" || !s.isTrying() {
		m.retireLocked(s)
	}
}

// retireUnused stops the supervisor if it has no users any more. It is called after the
// start of a process, because the last user may have left before the start was done.
func (m *Manager) retireUnused(s *supervisor) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.users.Load() == 0 {
		m.retireLocked(s)
	}
}

// retireLocked stops a supervisor without users, if the plugin is isolated by tenant.
// Locked: mu is held.
func (m *Manager) retireLocked(s *supervisor) {
	at := place{s.ref, s.scope}
	if m.closing || m.supervisors[at] != s || s.scope == "" && m.isolationLocked(s.ref) != isolationTenant {
		return
	}
	delete(m.supervisors, at)
	m.tasks.Go(func() { s.shutdown(m.hard) })
}
