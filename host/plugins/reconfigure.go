package plugins

import (
	"slices"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
)

// Reconfigure applies what Options.Settings returns now. Limits and timeouts count at once;
// the environment and the checksum count from the next start of a process. A plugin that
// failed is tried again if its settings changed.
func (m *Manager) Reconfigure() {
	m.mu.Lock()
	for _, s := range m.supervisors {
		s.reconfigure()
	}
	m.mu.Unlock()
	m.rescanForChange() // other checksums may be pinned
}

// reconfigure applies the operator's settings to the supervisor and its cells.
func (s *supervisor) reconfigure() {
	now := s.m.opts.settings(s.ref)
	was := s.settings.Swap(&now)
	s.queue.Resize(now.MaxCalls)
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

// callTimeout returns the timeout of a call that has no other.
func (s *supervisor) callTimeout() time.Duration { return s.settings.Load().CallTimeout }

// Pending returns the keys of plugins' blocks whose values in the settings are not those that
// running processes were started with, and which count from the next start; sorted. A pinned
// checksum that the found file has is not among them, because that file is started without
// anybody's help.
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
	return slices.Compact(keys) // there is a process for each tenant where they are apart
}

// sortedSet returns the list sorted, without repeats.
func sortedSet(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
