package plugins

import (
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// work is one call of a tenant in a process, or of the host itself, which has no name.
type work struct {
	tenant     string
	since      time.Time
	prev, next *work
}

// ending says what the end of a call tells of the process.
type ending int

const (
	// answered: the plugin is done with it, or it never reached the plugin.
	answered ending = iota
	// abandoned: nobody waits for it any more, and the plugin may still be at it.
	abandoned
	// cutOff: the process ended during it.
	cutOff
)

// callLog has the calls that a process works on, so that it is known whose they were when
// it ends. It is used by any number of goroutines.
type callLog struct {
	mu sync.Mutex
	// open is the head of the ring of calls that have not ended, those that were cut off
	// included.
	open work
	// left are the tenants whose calls were abandoned, with the latest of each; at most
	// bounds.AbandonedTenants.
	left map[string]abandonment
	// only is the one tenant that the process worked for, if it is one; mixed says that
	// there were several, or the host itself.
	only  string
	mixed bool
}

type abandonment struct{ since, left time.Time }

// begin notes a call, which end has to end.
func (l *callLog) begin(tenant string) *work {
	w := &work{tenant: tenant, since: time.Now()}
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
func (l *callLog) end(w *work, how ending) {
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

// suspects returns the tenants that the process worked for when it ended, each once. Of one
// that hung, hung is since when: what began later found it so. A call that was abandoned
// for less than the time may still have been at work.
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

// isOnly reports whether all calls that have not ended, if any, are the tenant's.
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
