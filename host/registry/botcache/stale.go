package botcache

// DropStale evicts the cached bots whose secrets have changed, as Built.Stale reports. It ends
// early if stop, which it calls before each bot, reports true.
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

// DropIfStale evicts the cached bot of an id if it is stale, and reports whether it was.
// Running turns finish on it.
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
