package plugins

import (
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk/fault"
)

// holding identifies a set of a tenant's instances of a plugin. The set contains the
// instances that the tenant holds. It also contains instances without a holder that the
// tenant held last.
type holding struct {
	discovery.Ref
	tenant string
}

// checkLimitLocked returns an error if the tenant, or all tenants together, have the
// maximum number of instances of the plugin. in is the instance that the tenant wants to
// hold, or nil if it does not exist yet. idle is the tenant's instance that has been
// without a holder for the longest time, or nil. If idle is not nil, the caller releases
// idle and calls checkLimitLocked again. Locked: mu is held.
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

// noteHeldLocked records that the tenant holds the instance. Locked: mu is held.
func (m *Manager) noteHeldLocked(in *instance, tenant string) {
	switch {
	case in.heldBy != tenant && in.holders == 1 && in.tenants[tenant] == 1:
		m.noteLeftLocked(in, in.heldBy) // another tenant held the instance last, and it was idle
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

// noteLeftLocked records that the instance no longer counts for the tenant. Locked: mu is
// held.
func (m *Manager) noteLeftLocked(in *instance, tenant string) {
	key := holding{in.sup.ref, tenant}
	delete(m.holdings[key], in)
	if len(m.holdings[key]) == 0 {
		delete(m.holdings, key)
	}
}
