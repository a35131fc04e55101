package registry

// Counts are the numbers of tenants and bots that a Registry has in memory. All tenants of
// files are in memory. Of the registered tenants, only the recently used ones are in memory.
type Counts struct {
	Tenants     int
	Invalid     int // tenants whose newest settings were refused
	Unavailable int // tenants with valid settings whose bot could not be built
	CachedBots  int
}

// Counts returns the counts. It takes equally long for any number of tenants.
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
