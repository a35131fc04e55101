package registry

// Census counts what a Registry has in memory: every tenant of a file, and of those that are
// registered over the API those that were asked for lately.
type Census struct {
	Tenants     int
	Invalid     int // whose newest settings are not served
	Unavailable int // with valid settings, of which no bot could be built
	CachedBots  int
}

// Census counts. It holds the lock for a moment, however many tenants there are.
func (r *Registry) Census() Census {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Census{Tenants: len(r.tenants), Invalid: len(r.invalid), Unavailable: r.cache.FailuresLocked(), CachedBots: r.cache.LenLocked()}
}

// Has reports whether the tenant is one of those that Census counts.
func (r *Registry) Has(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.tenants[id]
	return ok
}
