package plugins

import (
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk/fault"
)

// holding names a tenant's instances of a plugin: those that the tenant holds, and those
// that it held last and that nobody has held since.
type holding struct {
	discovery.Ref
	tenant string
}

// checkLimitLocked returns an error if the tenant, or all tenants together, have as many
// instances of the plugin as they may. in is the instance that the tenant wants, nil if it
// is to be made. idle is the tenant's instance that nobody has held for the longest, nil if
// there is none: the caller releases it and asks again. Locked: mu is held.
func (m *Manager) checkLimitLocked(r discovery.Ref, tenant string, in *instance) (idle *instance, err error) {
	if in == nil && m.counts[r] >= m.opts.maxInstances {
		return nil, fault.New(fault.PluginUnavailable, "the %s has %d configurations", r, m.opts.maxInstances).By(fault.PartyHost).After(time.Second)
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

// noteLeftLocked notes that the instance is no longer the tenant's. Locked: mu is held.
func (m *Manager) noteLeftLocked(in *instance, tenant string) {
	key := holding{in.sup.ref, tenant}
	delete(m.holdings[key], in)
	if len(m.holdings[key]) == 0 {
		delete(m.holdings, key)
	}
}
