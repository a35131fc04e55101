package botcache

// DropStale evicts the cached bots for which Built.Stale reports true. It calls stop before
// each bot, and returns early if stop reports true.
func (c *Cache) DropStale(stop func() bool) {
	c.mu.Lock()
	var ids []string
	for _, id := range c.bots.Keys() {
		if e, ok := c.bots.Peek(id); ok && e.built.Stale != nil {
			ids = append(ids, id)
		}
	}
	c.mu.Unlock()
	for _, id := range ids {
		if stop() {
			return
		}
		c.DropIfStale(id)
	}
}

// DropIfStale evicts the cached bot of the id if Built.Stale reports true for it, and returns
// that report. Running turns continue on the evicted bot.
func (c *Cache) DropIfStale(id string) bool {
	c.mu.Lock()
	e, ok := c.bots.Peek(id)
	c.mu.Unlock()
	if !ok || e.built.Stale == nil || !e.built.Stale() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now, ok := c.bots.Peek(id); ok && now == e {
		c.bots.Remove(id)
	}
	return true
}
