package plugins

import (
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk/fault"
)

// holding is a tenant's instances of a plugin: those that it holds, and those that it held
// last and that nobody has held since.
type holding struct {
	discovery.Ref
	tenant string
}

// admitLocked fails if the tenant has, or all have, as many instances of the plugin as they
// may. idle is one of the tenant's that nobody holds, the one that is so for the longest:
// once it is released, it is worth another try. in is what the tenant wants, nil if it is
// not there yet. Locked: mu is held.
func (m *Manager) admitLocked(r discovery.Ref, tenant string, in *instance) (idle *instance, err error) {
	if in == nil && m.counts[r] >= m.opts.most {
		return nil, fault.New(fault.PluginUnavailable, "the %s has %d configurations", r, m.opts.most).By(fault.PartyHost).After(time.Second)
	}
	own := m.holdings[holding{r, tenant}]
	if _, has := own[in]; tenant == "" || has || len(own) < bounds.Instances {
		return nil, nil
	}
	for other := range own {
		if other.holders == 0 && other.releasing == nil && (idle == nil || other.idleSince.Before(idle.idleSince)) {
			idle = other
		}
	}
	return idle, fault.New(fault.RateLimited, "this tenant has %d configurations of the %s in use: turns of earlier ones have not ended", bounds.Instances, r).
		After(time.Second)
}

// noteHeldLocked notes that the tenant holds the instance. Locked: mu is held.
func (m *Manager) noteHeldLocked(in *instance, tenant string) {
	switch {
	case in.heldBy != tenant && in.holders == 1 && in.tenants[tenant] == 1:
		m.noteLeftLocked(in, in.heldBy) // it was idle, and another's
		in.several = in.several || in.heldBy != ""
	case in.heldBy != tenant:
		in.several = true
	}
	in.heldBy = tenant
	key := holding{in.sup.ref, tenant}
	if m.holdings[key] == nil {
		m.holdings[key] = map[*instance]struct{}{}
	}
	m.holdings[key][in] = struct{}{}
}

// noteLeftLocked notes that the instance is the tenant's no longer. Locked: mu is held.
func (m *Manager) noteLeftLocked(in *instance, tenant string) {
	key := holding{in.sup.ref, tenant}
	delete(m.holdings[key], in)
	if len(m.holdings[key]) == 0 {
		delete(m.holdings, key)
	}
}
