package plugins

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// suspicion records what is known about a tenant that had a call in a process when the
// process crashed.
type suspicion struct {
	tenant  string
	cell    *cell     // where the tenant's calls are made; nil for the shared process
	times   int       // how often the tenant was moved from the shared process to a cell
	until   time.Time // when the tenant leaves the cell if no further crash happens
	crashes int       // how many crashes the tenant was blamed for since its last refusal
	pauses  int       // how often the tenant was refused
	refused time.Time // until when the tenant's calls are refused
	last    time.Time // when this record was last updated
	why     string    // how the process ended in the last crash
}

// noteLocked returns the tenant's record, and creates it if there is none. Before it
// creates a record beyond bounds.SuspectedTenants, it deletes the least important record.
// Locked: mu is held.
func (b *attribution) noteLocked(tenant string, now time.Time) *suspicion {
	if t := b.tenants[tenant]; t != nil {
		return t
	}
	if len(b.tenants) >= bounds.SuspectedTenants {
		// Delete the record whose refusal ends first. A tenant that was never refused
		// counts as the first of all. Among equal records, delete the oldest.
		first := slices.MinFunc(slices.Collect(maps.Values(b.tenants)), func(x, y *suspicion) int {
			return cmp.Or(x.refused.Compare(y.refused), x.last.Compare(y.last))
		})
		b.dropLocked(first)
	}
	t := &suspicion{tenant: tenant, last: now}
	b.tenants[tenant] = t
	b.watched.Store(int32(len(b.tenants)))
	return t
}

// dropLocked deletes the tenant's record and removes the tenant from its cell. Locked: mu
// is held.
func (b *attribution) dropLocked(t *suspicion) {
	b.moveLocked(t, nil)
	delete(b.tenants, t.tenant)
	b.watched.Store(int32(len(b.tenants)))
}

// sweepLocked deletes the records of tenants without a crash or refusal in the last
// blameMemory. It also removes suspects from their cells if their time there is over.
// Locked: mu is held.
func (b *attribution) sweepLocked(now time.Time) {
	for _, t := range b.tenants {
		switch {
		case now.Before(t.refused):
		case now.Sub(laterOf(t.last, t.refused)) >= b.s.m.timing.blameMemory:
			b.dropLocked(t)
		case t.cell != nil && !t.isBlamed() && !now.Before(t.until):
			b.moveLocked(t, nil)
		}
	}
}

// laterOf returns the later of the two times.
func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// scheduleLocked sets the timer to call sweepLocked at the next time when sweepLocked has
// something to do. Locked: mu is held.
func (b *attribution) scheduleLocked(now time.Time) {
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	var next time.Time
	for _, t := range b.tenants {
		due := laterOf(t.last, t.refused).Add(b.s.m.timing.blameMemory)
		if t.cell != nil && !t.isBlamed() && t.until.Before(due) {
			due = t.until
		}
		if next.IsZero() || due.Before(next) {
			next = due
		}
	}
	if next.IsZero() || b.closed {
		return
	}
	b.timer = time.AfterFunc(max(next.Sub(now), time.Millisecond), func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.closed {
			return
		}
		b.sweepLocked(time.Now())
		b.scheduleLocked(time.Now())
	})
}
