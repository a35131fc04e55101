package plugins

import (
	"slices"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
)

// Reconfigure applies the current settings of Options.Settings. Limits and timeouts take
// effect at once. The environment and the pinned checksum take effect at the next start of
// a process. A failed plugin is started again if its settings changed.
func (m *Manager) Reconfigure() {
	m.mu.Lock()
	for _, s := range m.supervisors {
		s.reconfigure()
	}
	m.mu.Unlock()
	m.rescanForChange() // a rescan checks the files against the new pinned checksums
}

// reconfigure applies the operator's current settings to the supervisor and its cells.
func (s *supervisor) reconfigure() {
	now := s.m.opts.settings(s.ref)
	was := s.settings.Swap(&now)
	s.mu.Lock()
	s.resizeQueueLocked()
	s.mu.Unlock()
	if s.attribution != nil {
		s.attribution.each((*supervisor).reconfigure)
	}
	if now.SHA256 == was.SHA256 && now.StartTimeout == was.StartTimeout && now.CallTimeout == was.CallTimeout && slices.Equal(now.Env, was.Env) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resetFailuresLocked()
	s.kick()
}

// resizeQueueLocked gives the queue as many slots as the operator allows and the process
// takes calls at once. So calls wait in the queue, where the tenants take turns and no token
// timeout runs. Locked: mu is held.
func (s *supervisor) resizeQueueLocked() {
	slots := s.settings.Load().MaxCalls
	if n := s.info.GetMaxConcurrentCalls(); n > 0 {
		slots = min(slots, int(n))
	}
	s.queue.Resize(slots)
}

// callTimeout returns the timeout of calls that have no timeout of their own.
func (s *supervisor) callTimeout() time.Duration { return s.settings.Load().CallTimeout }

// Pending returns the sorted keys of plugin blocks whose values in the given settings
// differ from those of the running processes, and take effect at the next start. A pinned
// checksum is not in the result if the found file has it, because the manager starts that
// file by itself.
func (m *Manager) Pending(settings func(kind, name string) config.PluginSettings) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	wants := Options{Settings: settings}
	var keys []string
	add := func(r discovery.Ref, key string) { keys = append(keys, "plugin."+r.Kind+"."+r.Name+"."+key) }
	for r, isolation := range m.isolation {
		if wants.settings(r).Isolation != isolation {
			add(r, "isolation")
		}
	}
	for _, s := range m.supervisors {
		p := s.current()
		if p == nil {
			continue
		}
		now := wants.settings(s.ref)
		if !slices.Equal(sortedSet(p.Settings.Env), sortedSet(now.Env)) {
			add(s.ref, "env")
		}
		if found := m.binaries[s.ref]; now.SHA256 != "" && now.SHA256 != p.Binary.SHA256 && (found == nil || found.SHA256 != now.SHA256) {
			add(s.ref, "sha256")
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys) // a plugin that is isolated by tenant adds the same key for each process
}

// sortedSet returns the sorted elements of the list without duplicates.
func sortedSet(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
