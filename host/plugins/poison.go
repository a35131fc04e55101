package plugins

import (
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// poison counts how often the process ended as it was given one configuration. Without a
// stop that configuration, which several tenants may have, would be tried for ever. What
// a tenant's calls do is blamed on the tenant, see blame.
type poison struct {
	crashes int
	last    *process  // that was counted: many calls may end with one process
	until   time.Time // while it counts
}

const (
	poisonAfter  = bounds.BlamedCrashes
	poisonMemory = time.Minute
	// poisonTrace is how long a poisonous instance is remembered after it may try
	// again: then one more crash is enough. Fewer crashes a minute than quarantine
	// asks for are left of it.
	poisonTrace = 10 * time.Minute
)

// poisoned fails while the instance is not to be tried.
func (s *supervisor) poisoned(digest string) error {
	if s.suspects.Load() == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.poisonous[digest]
	left := time.Until(p.until)
	switch {
	case !ok || p.crashes < poisonAfter:
		return nil
	case left <= 0:
		p.crashes = poisonAfter - 1
		s.poisonous[digest] = p
		return nil
	}
	return fault.New(fault.PluginUnavailable, "the %s ended each time that it was given this configuration", s.ref).After(left.Round(time.Second))
}

// poison counts process p, which ended as it was given the configuration.
func (s *supervisor) poison(digest string, proc *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, p := range s.poisonous {
		if time.Since(p.until) > poisonTrace || (p.crashes < poisonAfter-1 && time.Now().After(p.until)) {
			delete(s.poisonous, key)
		}
	}
	for key := range s.poisonous {
		if len(s.poisonous) < bounds.CrashLoops {
			break
		}
		delete(s.poisonous, key)
	}
	p := s.poisonous[digest]
	if p.last != proc {
		s.poisonous[digest] = poison{p.crashes + 1, proc, time.Now().Add(poisonMemory)}
		if p.crashes+1 == poisonAfter {
			s.log.Error("a configuration ends the plugin again and again: it is not used for a while", "instance", digest[:12], "while", poisonMemory)
		}
	}
	s.suspects.Store(int32(len(s.poisonous)))
}

// wholesome forgets the count: the instance did what was asked.
func (s *supervisor) wholesome(digest string) {
	if s.suspects.Load() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.poisonous, digest)
	s.suspects.Store(int32(len(s.poisonous)))
}
