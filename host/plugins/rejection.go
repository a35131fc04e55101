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

// configRefusal is the error of a new binary that refuses a configuration that is in use.
// The binary is tried again when no tenant has this configuration any more.
type configRefusal struct {
	digest  string   // the digest of the refused configuration
	tenants []string // the tenants with the refused configuration, sorted
	err     error
}

// namedTenants is how many tenants nameFew and the message of a configRefusal name.
const namedTenants = 3

// Error returns a message with the names of tenants, so that the operator can correct their
// settings.
func (o *configRefusal) Error() string {
	named := o.tenants[:min(len(o.tenants), namedTenants)]
	who := strings.Join(named, ", ")
	if more := len(o.tenants) - len(named); more > 0 {
		who += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("it refuses a configuration that is in use, of %s: %v", who, o.err)
}

func (o *configRefusal) Unwrap() error { return o.err }

// asConfigRefusal returns the error of a new binary that failed to configure the instance.
// The result is a *configRefusal if the binary refused the configuration. It is another
// error if the call failed for another reason or took too long.
func (m *Manager) asConfigRefusal(in *instance, err error) error {
	if f := fault.Of(err); f.Class != fault.Invalid || f.Party == fault.PartyHost {
		return fmt.Errorf("it does not take a configuration that is in use: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return &configRefusal{digest: in.digest, tenants: slices.Sorted(maps.Keys(in.tenants)), err: err}
}

// isOutdated reports whether no tenant has the refused configuration any more. It returns
// false if Options.Wanted is nil or returns an error.
func (m *Manager) isOutdated(ctx context.Context, at place, o *configRefusal) bool {
	if m.opts.Wanted == nil {
		return false
	}
	for _, tenant := range o.tenants {
		wanted, err := m.opts.Wanted(ctx, at.Kind, at.Name, tenant)
		if err != nil || slices.ContainsFunc(wanted, func(spec Spec) bool { return m.digest(at, spec) == o.digest }) {
			return false
		}
	}
	return true
}

// mayTryNew reports whether the new binary may be tried as a replacement of p. A binary
// that refused a configuration may be tried when no tenant has this configuration any more.
// To learn that, mayTryNew calls Options.Wanted, less often after each refusal.
func (s *supervisor) mayTryNew(p *worker) bool {
	s.mu.Lock()
	o := s.configRefusal
	s.mu.Unlock()
	if o == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.callTimeout())
	defer cancel()
	// Wanted may call this plugin. If the plugin has no process, only this goroutine of the
	// supervisor can start one, so the wait for Wanted must end.
	go func() {
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
		return false // resetFailuresLocked ran meanwhile, so run checks again for a new binary
	}
	if !outdated {
		s.replaceAt = time.Now().Add(s.m.timing.reconsider(s.configRefusals))
		return false
	}
	s.configRefusal, s.rejected = nil, ""
	s.log.Info("no tenant has the configuration any more that the new binary refused: it is tried again")
	return true
}

// noteConfigRefusalLocked stores err if it is a configRefusal, and sets the time when
// Options.Wanted is called next. Locked: mu is held.
func (s *supervisor) noteConfigRefusalLocked(err error) {
	if errors.As(err, &s.configRefusal) {
		s.configRefusals++
		s.replaceAt = time.Now().Add(s.m.timing.reconsider(s.configRefusals))
	}
}

// reconsider returns the pause before the next call of Options.Wanted. The pause doubles
// with each refusal, up to quarantineRetry.
func (t timing) reconsider(refusals int) time.Duration {
	return min(t.reconsiderEvery<<min(refusals-1, 16), t.quarantineRetry)
}

// rejectLocked records why a new binary is not used. If the host is at fault, the binary is
// tried again after a delay. Locked: mu is held.
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
