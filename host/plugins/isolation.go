package plugins

import "github.com/botyard/botyard/host/plugins/discovery"

// fixIsolation returns the plugin's isolation: isolationShared or isolationTenant. The
// isolation is fixed from the first call until the host ends, because it decides where the
// plugin's files are and which tenants share a process.
func (m *Manager) fixIsolation(r discovery.Ref) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	isolation := m.isolationLocked(r)
	if m.binaries[r] != nil { // nothing is stored for a plugin that does not exist
		m.isolation[r] = isolation
	}
	return isolation
}

// isolationLocked returns the fixed isolation of the plugin. If it is not fixed yet, it
// returns the isolation of the operator's settings. Locked: mu is held.
func (m *Manager) isolationLocked(r discovery.Ref) string {
	if fixed, ok := m.isolation[r]; ok {
		return fixed
	}
	return m.opts.settings(r).Isolation
}

// IsIsolated reports whether each tenant has its own process of the plugin.
func (m *Manager) IsIsolated(kind, name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.isolationLocked(discovery.Ref{Kind: kind, Name: name}) == isolationTenant
}

// runningOfRefusedLocked returns the binary of a running process whose file must no longer
// be run, for example because the operator has pinned another checksum. It returns nil if
// no process runs at the place, or if the file may be run. Such a process takes calls until
// it ends. Locked: mu is held.
func (m *Manager) runningOfRefusedLocked(at place) *discovery.Binary {
	if b := m.binaries[at.Ref]; m.closing || b == nil || b.Refusal == nil {
		return nil
	}
	if s := m.supervisors[at]; s != nil {
		if p := s.current(); p != nil && !p.HasExited() {
			return p.Binary
		}
	}
	return nil
}
