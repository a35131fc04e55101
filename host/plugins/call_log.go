package plugins

import (
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// callEntry records one call in a process. tenant is empty for a call of the host itself.
type callEntry struct {
	tenant     string
	since      time.Time
	prev, next *callEntry
}

// ending says how a call ended from the process's point of view.
type ending int

const (
	// answered means that the plugin has finished the call, or that the call never reached
	// the plugin.
	answered ending = iota
	// abandoned means that the host no longer waits for the call, but the plugin may still
	// work on it.
	abandoned
	// cutOff means that the process ended during the call.
	cutOff
)

// callLog records the calls of a process. When the process crashes, the log shows which
// tenants had calls in it. The zero value is an empty log. A callLog is safe for concurrent
// use.
type callLog struct {
	mu sync.Mutex
	// open is the head of a ring list. The list contains the calls that have not ended, and
	// the calls that were cut off.
	open callEntry
	// left contains the latest abandoned call of each tenant, for at most
	// bounds.AbandonedTenants tenants.
	left map[string]abandonment
	// only is the first tenant that the process worked for. mixed is true once the process
	// has worked for a second tenant.
	only  string
	mixed bool
}

// abandonment says when a tenant's latest abandoned call began, and when the host abandoned
// it.
type abandonment struct{ since, left time.Time }

// begin records a call. The caller must call end when the call has ended.
func (l *callLog) begin(tenant string) *callEntry {
	w := &callEntry{tenant: tenant, since: time.Now()}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open.next == nil {
		l.open.next, l.open.prev = &l.open, &l.open
	}
	w.prev, w.next = l.open.prev, &l.open
	w.prev.next, w.next.prev = w, w
	switch {
	case tenant == "" || l.mixed:
	case l.only == "":
		l.only = tenant
	case l.only != tenant:
		l.mixed = true
	}
	return w
}

// end records how the call ended.
func (l *callLog) end(w *callEntry, how ending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if how == cutOff {
		return
	}
	w.prev.next, w.next.prev = w.next, w.prev
	if how != abandoned || w.tenant == "" {
		return
	}
	if l.left == nil {
		l.left = map[string]abandonment{}
	}
	if _, known := l.left[w.tenant]; !known && len(l.left) >= bounds.AbandonedTenants {
		l.dropOldestLocked()
	}
	l.left[w.tenant] = abandonment{w.since, time.Now()}
}

// dropOldestLocked deletes the entry of left that was abandoned first. Locked: mu is held.
func (l *callLog) dropOldestLocked() {
	oldest := ""
	for tenant, a := range l.left {
		if oldest == "" || a.left.Before(l.left[oldest].left) {
			oldest = tenant
		}
	}
	delete(l.left, oldest)
}

// suspects returns the tenants that had a call in the process when the process ended, each
// once. If the process hung, hung is the time when it was first known to hang, and calls
// that began later do not count. Otherwise hung is zero. Calls that were abandoned less
// than lingering ago also count, because the process may still have worked on them.
func (l *callLog) suspects(hung time.Time, lingering time.Duration) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	seen := map[string]bool{}
	add := func(tenant string, since time.Time) {
		if tenant != "" && !seen[tenant] && (hung.IsZero() || since.Before(hung)) {
			seen[tenant] = true
			out = append(out, tenant)
		}
	}
	if l.open.next != nil {
		for w := l.open.next; w != &l.open; w = w.next {
			add(w.tenant, w.since)
		}
	}
	for tenant, a := range l.left {
		if time.Since(a.left) < lingering {
			add(tenant, a.since)
		}
	}
	return out
}

// servedOnly returns the only tenant that the process ever worked for. ok is false if the
// process worked for several tenants or for none.
func (l *callLog) servedOnly() (tenant string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.only, l.only != "" && !l.mixed
}

// isOnly reports whether all calls that have not ended belong to the tenant or to the host
// itself.
func (l *callLog) isOnly(tenant string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open.next == nil || tenant == "" {
		return false
	}
	for w := l.open.next; w != &l.open; w = w.next {
		if w.tenant != tenant && w.tenant != "" {
			return false
		}
	}
	return true
}
