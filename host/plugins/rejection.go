package plugins

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/fault"
)

// configRefusal is the error of a new binary that refuses a configuration that is in use. The
// binary is tried again once none of the tenants has that configuration any more.
type configRefusal struct {
	digest  string   // the digest of the configuration
	tenants []string // the tenants that use it, sorted
	err     error
}

// namedTenants is how many tenants the message of a configRefusal names.
const namedTenants = 3

// Error names the tenants, so that somebody can correct their settings.
func (o *configRefusal) Error() string {
	named := o.tenants[:min(len(o.tenants), namedTenants)]
	who := strings.Join(named, ", ")
	if more := len(o.tenants) - len(named); more > 0 {
		who += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("it refuses a configuration that is in use, of %s: %v", who, o.err)
}

func (o *configRefusal) Unwrap() error { return o.err }

// asConfigRefusal returns the error of a new binary that did not take the instance. It is a
// *configRefusal if the binary refused the configuration. A call that failed for another
// reason or took too long is not a refusal of the configuration.
func (m *Manager) asConfigRefusal(in *instance, err error) error {
	if f := fault.Of(err); f.Class != fault.Invalid || f.Party == fault.PartyHost {
		return fmt.Errorf("it does not take a configuration that is in use: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return &configRefusal{digest: in.digest, tenants: slices.Sorted(maps.Keys(in.tenants)), err: err}
}

// isOutdated reports whether no tenant has the refused configuration any more. It returns
// false on an error, and without Options.Wanted.
func (m *Manager) isOutdated(ctx context.Context, at place, o *configRefusal) bool {
	if m.opts.Wanted == nil {
		return false
	}
	for _, tenant := range o.tenants {
		if config, rule, err := m.opts.Wanted(ctx, at.Kind, at.Name, tenant); err != nil || config != nil && m.digest(at, config, rule) == o.digest {
			return false
		}
	}
	return true
}

// mayTryNew reports whether the binary that waits for p's place may be tried. A binary that
// refused a configuration may be tried once no tenant has that configuration any more.
// Options.Wanted is called to find that out, less often with each refusal.
func (s *supervisor) mayTryNew(p *worker) bool {
	s.mu.Lock()
	o := s.configRefusal
	s.mu.Unlock()
	if o == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.callTimeout())
	defer cancel()
	go func() { // Wanted may call this plugin. If that has ended, only this goroutine can start it again: stop waiting then
		select {
		case <-p.Exited():
			cancel()
		case <-ctx.Done():
		}
	}()
	outdated := s.m.isOutdated(ctx, place{s.ref, s.scope}, o)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.configRefusal != o {
		return false // the failures were reset meanwhile: run looks again whether a binary waits
	}
	if !outdated {
		s.replaceAt = time.Now().Add(s.m.timing.reconsider(s.configRefusals))
		return false
	}
	s.configRefusal, s.rejected = nil, ""
	s.log.Info("no tenant has the configuration any more that the new binary refused: it is tried again")
	return true
}

// noteConfigRefusalLocked stores err if it is a configRefusal, and sets when to check again.
// Locked: mu is held.
func (s *supervisor) noteConfigRefusalLocked(err error) {
	if errors.As(err, &s.configRefusal) {
		s.configRefusals++
		s.replaceAt = time.Now().Add(s.m.timing.reconsider(s.configRefusals))
	}
}

// reconsider returns the pause before Options.Wanted is called again. It doubles with each
// refusal, up to quarantineRetry.
func (t timing) reconsider(refusals int) time.Duration {
	return min(t.reconsiderEvery<<min(refusals-1, 16), t.quarantineRetry)
}

// rejectLocked notes why a new binary is not used. If that is the host's fault, the binary is
// tried again. Locked: mu is held.
func (s *supervisor) rejectLocked(bin *discovery.Binary, err error) {
	var start *process.StartError
	if errors.As(err, &start) && start.HostFault {
		delay := s.failures.addHostFault(s.m.timing)
		s.replaceAt = time.Now().Add(delay)
		s.lastErr = fmt.Sprintf("the new binary cannot be started through no fault of its own, and the old one goes on: %v", err)
		s.log.Error("the new binary cannot be started through no fault of its own; the old one goes on", "error", err, "next_try", delay)
		return
	}
	s.rejected = bin.SHA256
	s.noteConfigRefusalLocked(err)
	s.lastErr = fmt.Sprintf("the new binary does not work and the old one goes on: %v", err)
	s.log.Error("the new binary does not work; the old one goes on", "error", err)
}
