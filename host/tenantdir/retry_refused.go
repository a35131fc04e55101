package tenantdir

// RetryRefused makes Run apply the refused files again soon. A caller calls it after a change
// outside of the files that may make them valid, such as another configuration that tenants
// inherit, or another plugin.
func (f *Follower) RetryRefused() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, known := range f.files {
		if known.refused && !known.gone {
			known.pending = true
		}
	}
	select {
	case f.rescan <- struct{}{}:
	default: // Run has a request for a scan already
	}
}
