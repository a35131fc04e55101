package plugins

import (
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// callEntry is one call in a process: a tenant's, or the host's own, whose tenant is empty.
type callEntry struct {
	tenant     string
	since      time.Time
	prev, next *callEntry
}

// ending says how a call ended, from the point of view of the process.
type ending int

const (
	// answered: the plugin is done with the call, or the call never reached the plugin.
	answered ending = iota
	// abandoned: nobody waits for the call any more, and the plugin may still work on it.
	abandoned
	// cutOff: the process ended during the call.
	cutOff
)

// callLog records the calls that a process works on. When the process crashes, the log tells
// which tenants the calls belonged to. It is used by any number of goroutines. The zero value
// is an empty log.
type callLog struct {
	mu sync.Mutex
	// open is the head of a ring. The ring has the calls that have not ended and those that
	// were cut off.
	open callEntry
	// left has the latest abandoned call of each tenant; of at most bounds.AbandonedTenants
	// tenants.
	left map[string]abandonment
	// only is the tenant that the process worked for, as long as it worked for no other.
	// mixed says that it worked for several, or for the host itself.
	only  string
	mixed bool
}

// abandonment is when a tenant's latest abandoned call began, and when it was left.
type abandonment struct{ since, left time.Time }

// begin notes a call. end must be called for it.
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

// end notes how the call ended.
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

// dropOldestLocked forgets the tenant that abandoned its call first. Locked: mu is held.
func (l *callLog) dropOldestLocked() {
	oldest := ""
	for tenant, a := range l.left {
		if oldest == "" || a.left.Before(l.left[oldest].left) {
			oldest = tenant
		}
	}
	delete(l.left, oldest)
}

// suspects returns the tenants that the process worked for when it ended, each once. If the
// process hung, hung says since when, and calls that began later do not count; else hung
// is zero. Calls that were abandoned count for the time lingering, because the process may
// still have worked on them.
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

// servedOnly returns the tenant if the process never worked for another.
func (l *callLog) servedOnly() (tenant string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.only, l.only != "" && !l.mixed
}

// isOnly reports whether all calls that have not ended are the tenant's or the host's own.
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
