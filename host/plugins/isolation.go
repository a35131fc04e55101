package plugins

import "github.com/botyard/botyard/host/plugins/discovery"

// fixIsolation returns whether tenants share the plugin's process, isolationShared or
// isolationTenant, and fixes it: it stays until the host ends, because it decides where the
// plugin's files are and who shares a process.
func (m *Manager) fixIsolation(r discovery.Ref) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	isolation := m.isolationLocked(r)
	if m.binaries[r] != nil { // names of plugins that do not exist are not kept
		m.isolation[r] = isolation
	}
	return isolation
}

// isolationLocked returns the plugin's isolation as it was fixed, or else as the operator
// sets it. Locked: mu is held.
func (m *Manager) isolationLocked(r discovery.Ref) string {
	if fixed, ok := m.isolation[r]; ok {
		return fixed
	}
	return m.opts.settings(r).Isolation
}

// IsIsolated reports whether each tenant has a process of its own of the plugin.
func (m *Manager) IsIsolated(kind, name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.isolationLocked(discovery.Ref{Kind: kind, Name: name}) == isolationTenant
}

// runningOfRefusedLocked returns the binary that runs at the place although the plugin's file
// must not be run any more, such as a file whose checksum is not pinned yet. It is nil if
// nothing runs, or if the file may be run. The process takes calls until it ends. Locked: mu
// is held.
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
