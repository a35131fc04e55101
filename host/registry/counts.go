package registry

// Counts are the numbers of tenants and bots that a Registry has in memory. Every tenant of a file
// is in memory, and of the tenants registered over the API those that were asked for lately.
type Counts struct {
	Tenants     int
	Invalid     int // tenants whose newest settings are refused
	Unavailable int // tenants with valid settings of which no bot could be built
	CachedBots  int
}

// Counts returns the counts. Its time does not depend on the number of tenants.
func (r *Registry) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Counts{Tenants: len(r.tenants), Invalid: len(r.invalid), Unavailable: r.cache.FailuresLocked(), CachedBots: r.cache.LenLocked()}
}

// Has reports whether the tenant is in memory.
func (r *Registry) Has(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.tenants[id]
	return ok
}
