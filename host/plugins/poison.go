package plugins

import (
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// poison counts how often one instance ended the process, by its configuration or
// by its calls. Without a stop one tenant's settings could keep a plugin down for
// all.
type poison struct {
	crashes int
	last    *process  // that was counted: many calls may end with one process
	until   time.Time // while it counts
}

const (
	poisonAfter  = 3 // crashes
	poisonMemory = time.Minute
	// poisonTrace is how long a poisonous instance is remembered after it may try
	// again: then one more crash is enough. Fewer crashes a minute than quarantine
	// asks for are left of it.
	poisonTrace = 10 * time.Minute
)

// What an instance can do to a process.
const (
	byConfiguring = "configure/"
	byCalls       = "call/"
)

// poisoned fails while the instance is not to be tried.
func (s *supervisor) poisoned(digest string) error {
	if s.suspects.Load() == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, how := range []string{byConfiguring, byCalls} {
		p, ok := s.poisonous[how+digest]
		left := time.Until(p.until)
		switch {
		case !ok || p.crashes < poisonAfter:
		case left <= 0:
			p.crashes = poisonAfter - 1
			s.poisonous[how+digest] = p
		case how == byConfiguring:
			return fault.New(fault.PluginUnavailable, "the %s ended each time that it was given this configuration", s.ref).After(left.Round(time.Second))
		default:
			return fault.New(fault.PluginUnavailable, "the %s ended again and again while it worked with this configuration", s.ref).After(left.Round(time.Second))
		}
	}
	return nil
}

// poison counts process p, which ended while it worked for the instance.
func (s *supervisor) poison(how, digest string, proc *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, p := range s.poisonous {
		if time.Since(p.until) > poisonTrace || (p.crashes < poisonAfter-1 && time.Now().After(p.until)) {
			delete(s.poisonous, key)
		}
	}
	p := s.poisonous[how+digest]
	if p.last != proc {
		s.poisonous[how+digest] = poison{p.crashes + 1, proc, time.Now().Add(poisonMemory)}
		if p.crashes+1 == poisonAfter {
			s.log.Error("a configuration ends the plugin again and again: it is not used for a while", "instance", digest[:12], "while", poisonMemory)
		}
	}
	s.suspects.Store(int32(len(s.poisonous)))
}

// wholesome forgets the count: the instance did what was asked.
func (s *supervisor) wholesome(how, digest string) {
	if s.suspects.Load() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.poisonous, how+digest)
	s.suspects.Store(int32(len(s.poisonous)))
}
