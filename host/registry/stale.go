package registry

import "time"

// watchStale asks the cached bots now and then whether they are stale.
func (r *Registry) watchStale() {
	tick := time.NewTicker(r.o.StaleEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-tick.C:
		}
		for _, id := range r.askable() {
			if r.ctx.Err() != nil {
				return
			}
			r.DropIfStale(id)
		}
	}
}

// askable are the tenants with a cached bot that can be stale.
func (r *Registry) askable() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, id := range r.cache.Keys() {
		if e, ok := r.cache.Peek(id); ok && e.built.Stale != nil {
			out = append(out, id)
		}
	}
	return out
}

// DropIfStale drops the tenant's cached bot if it is stale, and answers whether it was.
// Turns at work finish on it.
func (r *Registry) DropIfStale(id string) bool {
	r.mu.Lock()
	e, ok := r.cache.Peek(id)
	r.mu.Unlock()
	if !ok || e.built.Stale == nil || !e.built.Stale() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now, ok := r.cache.Peek(id); ok && now == e {
		r.cache.Remove(id)
	}
	return true
}
