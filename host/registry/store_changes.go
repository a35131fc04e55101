package registry

import "github.com/botyard/botyard/sdk/storage"

// changed implements freshness.changed.
func (c *persistedCatalog) changed(changes []storage.TenantChange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if changes == nil {
		c.absent.Purge()
		for id, t := range c.tenants {
			t.known, t.version, t.heard = false, 0, 0
			c.forgetFileBotLocked(t)
			if l := c.loads[id]; l != nil {
				l.stale = true
			}
		}
		return
	}
	for _, change := range changes {
		if l := c.loads[change.Tenant]; l != nil {
			l.stale = true
		}
		c.absent.Remove(change.Tenant)
		t := c.tenants[change.Tenant]
		if t == nil {
			continue
		}
		t.heard = max(t.heard, change.Version)
		if t.version < change.Version {
			t.known = false
			c.forgetFileBotLocked(t)
		}
	}
}

// forgetFileBotLocked drops the bot of a file's tenant whose entry in the tenant store has
// changed, because the bot may write under an incarnation that has ended. It does nothing while
// noteStorage itself changes the entry. It does nothing for a registered tenant either, because
// takeEntryLocked drops that tenant's bot. Locked: mu is held.
func (c *persistedCatalog) forgetFileBotLocked(t *tenant) {
	if t.fromFile() && t.noting == 0 {
		c.bots.ForgetLocked(t.id)
	}
}

// rereadLocked implements reloads.rereadLocked.
func (c *persistedCatalog) rereadLocked() {
	for _, t := range c.tenants {
		if !c.keptInTable(t) {
			t.known = false
		}
	}
	c.staleLoadsLocked()
}

// rejudgeLocked implements freshness.rejudgeLocked.
func (c *persistedCatalog) rejudgeLocked() {
	for t := range c.invalid {
		if !c.keptInTable(t) {
			t.known = false
		}
	}
	c.staleLoadsLocked()
}

// staleLoadsLocked makes all running loads read their tenants again. Locked: mu is held.
func (c *persistedCatalog) staleLoadsLocked() {
	for _, l := range c.loads {
		l.stale = true
	}
}
