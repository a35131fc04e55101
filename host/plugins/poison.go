package plugins

import (
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// poison counts how often configuring one instance ended the process. Without a
// stop one tenant's configuration could keep a plugin down for all.
type poison struct {
	crashes int
	until   time.Time // when the count is forgotten
}

const (
	poisonAfter  = 3 // crashes
	poisonMemory = time.Minute
)

// poisoned fails while the configuration is not to be tried.
func (s *supervisor) poisoned(digest string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.poisonous[digest]
	switch left := time.Until(p.until); {
	case !ok:
		return nil
	case left <= 0:
		delete(s.poisonous, digest)
		return nil
	case p.crashes >= poisonAfter:
		return fault.New(fault.PluginUnavailable, "the %s ended each time that it was given this configuration", s.ref).After(left.Round(time.Second))
	}
	return nil
}

// poison counts a process that ended while it configured the instance.
func (s *supervisor) poison(digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d, p := range s.poisonous {
		if time.Now().After(p.until) {
			delete(s.poisonous, d)
		}
	}
	p := s.poisonous[digest]
	s.poisonous[digest] = poison{p.crashes + 1, time.Now().Add(poisonMemory)}
}

// wholesome forgets the count: the configuration was taken.
func (s *supervisor) wholesome(digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.poisonous, digest)
}
