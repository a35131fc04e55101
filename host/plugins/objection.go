package plugins

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// objection is the error of a new binary that refuses a configuration which is in use.
// The binary is tried again once none of the tenants has that configuration any more.
type objection struct {
	digest  string   // of the configuration
	tenants []string // that use it, sorted
	err     error
}

// namedTenants is how many tenants the message of an objection names.
const namedTenants = 3

// Error names the tenants, so that somebody can correct their settings.
func (o *objection) Error() string {
	named := o.tenants[:min(len(o.tenants), namedTenants)]
	who := strings.Join(named, ", ")
	if more := len(o.tenants) - len(named); more > 0 {
		who += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("it refuses a configuration that is in use, of %s: %v", who, o.err)
}

func (o *objection) Unwrap() error { return o.err }

// objects makes an objection of what a new binary said of the instance, if it is one: that
// a call of it failed or took too long says nothing of the configuration.
func (m *Manager) objects(in *instance, err error) error {
	if f := fault.Of(err); f.Class != fault.Invalid || f.Party == fault.PartyHost {
		return fmt.Errorf("it does not take a configuration that is in use: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return &objection{digest: in.digest, tenants: slices.Sorted(maps.Keys(in.tenants)), err: err}
}

// isMoot reports whether no tenant has the configuration any more. What cannot be found
// out counts as unchanged.
func (m *Manager) isMoot(ctx context.Context, at place, o *objection) bool {
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

// admit reports whether the binary that waits for p's place may be tried: one that was
// rejected for tenants' configurations only after all of them are gone. They are looked
// at from time to time, less often with each rejection.
func (s *supervisor) admit(p *worker) bool {
	s.mu.Lock()
	o := s.objection
	s.mu.Unlock()
	if o == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.callTimeout())
	defer cancel()
	go func() { // what is asked may need this very plugin, which only run can start again
		select {
		case <-p.Exited():
			cancel()
		case <-ctx.Done():
		}
	}()
	moot := s.m.isMoot(ctx, place{s.ref, s.scope}, o)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objection != o {
		return false // it was forgiven meanwhile: whether it waits is to be looked at again
	}
	if !moot {
		s.replaceAt = time.Now().Add(s.m.timing.reconsider(s.objections))
		return false
	}
	s.objection, s.rejected = nil, ""
	s.log.Info("no tenant has the configuration any more that the new binary refused: it is tried again")
	return true
}

// object notes that the new binary refuses what tenants use. The lock is held.
func (s *supervisor) object(err error) {
	if errors.As(err, &s.objection) {
		s.objections++
		s.replaceAt = time.Now().Add(s.m.timing.reconsider(s.objections))
	}
}

// reconsider is the pause between two looks at an objection, after so many of them.
func (t timing) reconsider(objections int) time.Duration {
	return min(t.reconsiderEvery<<min(objections-1, 16), t.quarantineRetry)
}
