package tenantdir

// Retry has the files that were refused read again with the next look, which Run takes
// at once: what their tenants inherit, or a plugin that they need, has changed.
func (f *Follower) Retry() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, known := range f.files {
		if known.refused && !known.gone {
			known.pending = true
		}
	}
	select {
	case f.again <- struct{}{}:
	default: // it is asked already
	}
}
