package registry

// Census counts what a Registry has in memory: every tenant of a file, and those
// registered over the API that were asked for lately.
type Census struct {
	Tenants     int
	Invalid     int // whose newest settings are not served
	Unavailable int // with valid settings, of which no bot could be built
	CachedBots  int
}

// Census counts.
func (r *Registry) Census() Census {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := Census{Tenants: len(r.tenants), Unavailable: len(r.failing), CachedBots: r.cache.Len()}
	for _, t := range r.tenants {
		if t.err != nil {
			out.Invalid++
		}
	}
	return out
}

// Has says whether the tenant is one of those that Census counts.
func (r *Registry) Has(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.tenants[id]
	return ok
}
