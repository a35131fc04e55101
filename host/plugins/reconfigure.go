package plugins

import (
	"slices"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
)

// Reconfigure has what Options.Settings says now count: for calls and starts at once,
// for what a process is started with at its next start. A plugin that failed is tried
// again if the operator says something else of it.
func (m *Manager) Reconfigure() {
	m.mu.Lock()
	for _, s := range m.supervisors {
		s.reconfigure()
	}
	m.mu.Unlock()
	m.rescanForChange() // sums may be pinned that were not; what is wrong is logged there
}

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

func (s *supervisor) callTimeout() time.Duration { return s.settings.Load().CallTimeout }

// Pending names the keys of plugins' blocks that are another in the settings than in
// what runs of a plugin, and count from its next start; sorted. A pinned sum that the
// found file has is not among them: that file is started by itself.
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
		if !slices.Equal(names(p.Settings.Env), names(now.Env)) {
			add(s.ref, "env")
		}
		if found := m.binaries[s.ref]; now.SHA256 != "" && now.SHA256 != p.Binary.SHA256 && (found == nil || found.SHA256 != now.SHA256) {
			add(s.ref, "sha256")
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys) // there is a process for each tenant where they are apart
}

// names gives a list as a set.
func names(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// settleIsolation answers how the plugin's tenants are apart. It stays as it was when
// the plugin was first used: where its files are and who shares a process goes by it.
func (m *Manager) settleIsolation(r discovery.Ref) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	isolation := m.isolationLocked(r)
	if m.binaries[r] != nil { // else anybody's names would be kept
		m.isolation[r] = isolation
	}
	return isolation
}

// isolated is what counts of the isolation of a plugin. The lock is held.
func (m *Manager) isolationLocked(r discovery.Ref) string {
	if settled, ok := m.isolation[r]; ok {
		return settled
	}
	return m.opts.settings(r).Isolation
}

// IsIsolated says whether each tenant has a process of its own of the plugin.
func (m *Manager) IsIsolated(kind, name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.isolationLocked(discovery.Ref{Kind: kind, Name: name}) == isolationTenant
}

// outlives answers what runs at the place although the plugin's file must not be run
// any more, such as one whose sum is not pinned yet; nil if nothing does. It goes on
// for whoever asks, until it ends. The lock is held.
func (m *Manager) outlives(at place) *discovery.Binary {
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
