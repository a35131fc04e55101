package tenantdir

// RetryRefused makes Run apply the refused files again, soon. Call it when something outside of
// the files has changed for which they may have been refused: the configuration that tenants
// inherit, or a plugin.
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
	default: // a scan is asked for already
	}
}
