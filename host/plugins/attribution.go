package plugins

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// attribution finds out which tenant's calls crash the process of a plugin that tenants
// share, and keeps that tenant away, so that the plugin goes on for the others.
//
// A tenant that had a call in a process when it crashed need not have crashed it. It is a
// suspect. All suspects of a crash get processes of their own, the cells, in groups. When a
// cell crashes, its suspects are split over more cells. A tenant is blamed only for the
// crash of a process that never worked for another tenant. So a neighbour that happens to
// be busy at each crash is moved, and never refused. After some crashes the blamed tenant's
// calls are refused for a time, which grows.
//
// A plugin that must not run twice has no cells. There, a tenant is blamed if it is the only
// one that was a suspect of all crashes in a row. The process of a plugin that is isolated
// by tenant has one tenant, which is blamed at once.
//
// A nil attribution, that of a cell, has no tenants. It is used by any number of goroutines.
type attribution struct {
	s       *supervisor
	watched atomic.Int32 // tenants that are known; read without the lock

	mu      sync.Mutex
	tenants map[string]*suspicion
	cells   []*cell
	common  []string // the suspects of all crashes in a row; used for a plugin that must not run twice
	leaving int      // cells that take no more calls and still have some
	timer   *time.Timer
	closed  bool
}

// suspicion records what is known of a tenant that had a call in a process when the process
// crashed.
type suspicion struct {
	tenant  string
	cell    *cell     // where its calls are made; nil is the process that the other tenants share
	times   int       // how often it was moved to a cell from the shared process
	until   time.Time // when it leaves the cell, if nothing happens
	crashes int       // how many crashes it was blamed for since it was last refused
	pauses  int       // how often it was refused so far
	refused time.Time // until when its calls are refused
	last    time.Time // when this record was last updated
	why     string    // how the process ended in the last crash
}

func newAttribution(s *supervisor) *attribution {
	return &attribution{s: s, tenants: map[string]*suspicion{}}
}

// KeptAway is a tenant whose calls are refused by a plugin for a time.
type KeptAway struct {
	Tenant  string    `json:"tenant"`
	Until   time.Time `json:"until"`
	Reason  string    `json:"reason"`
	Refused int       `json:"times"` // how often in a row
}

// Cell is a process of a plugin for tenants that were in one when it ended.
type Cell struct {
	Tenants []string `json:"tenants"`
	PID     int      `json:"pid,omitempty"`
	State   State    `json:"state"`
}

// route returns the supervisor whose process makes the call of the options' tenant, or the error of a
// tenant that is kept away. A call that ends or deletes what is there is not refused.
func (b *attribution) route(o callOptions) (*supervisor, error) {
	if o.tenant == "" || b.watched.Load() == 0 {
		return b.s, nil
	}
	split, bin := b.canSplit(), b.s.binary()
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tenants[o.tenant]
	if t == nil || b.closed {
		return b.s, nil
	}
	now := time.Now()
	if t.isBlamed() && t.cell == nil && split && !now.Before(t.refused) {
		if !b.giveCellLocked(t, bin) { // all cells are taken by others like it
			t.refused = now.Add(b.s.m.timing.blamePause)
		}
	}
	if now.Before(t.refused) && !o.ends {
		return nil, b.refusal(t, now)
	}
	if t.cell != nil && !t.cell.sup.cannotStart() {
		return t.cell.sup, nil
	}
	return b.s, nil
}

// isBlamed reports whether the tenant is known to have ended a process.
func (t *suspicion) isBlamed() bool { return t.crashes > 0 || t.pauses > 0 }

// refusal returns the error of a tenant that is kept away. It has one sentence for the
// caller, and the rest is for the operator.
func (b *attribution) refusal(t *suspicion, now time.Time) error {
	return fault.New(fault.PluginUnavailable, "the %s is kept from tenant %s until %s: it ended again and again while it worked for this tenant alone (%s)",
		b.s.ref, t.tenant, t.refused.UTC().Format(time.RFC3339), t.why).
		By(fault.PartyTenant).After(t.refused.Sub(now).Round(time.Second)).
		Telling("what this tenant sends, or its configuration, ended a part of this service again and again: it is refused for a while")
}

// canSplit reports whether several processes of the plugin may run at once.
func (b *attribution) canSplit() bool { return b.s.scope == "" && !b.s.lastInfo().GetExclusive() }

// crashed notes that a process crashed while it worked for the suspects, and reports whether
// that is certainly a tenant's doing. c is the process's cell, nil for the process of all
// others.
func (b *attribution) crashed(c *cell, p *worker, suspects []string, how string) (attributed bool) {
	if len(suspects) == 0 {
		return false
	}
	split := b.canSplit()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	now := time.Now()
	b.sweepLocked(now)
	defer b.scheduleLocked(now)
	only, alone := p.calls.servedOnly()
	switch {
	case c != nil && alone, b.s.scope != "":
		if b.s.scope != "" {
			only = suspects[0]
		}
		b.attributeLocked(only, how, now)
		return true
	case c == nil && !split:
		if b.common = intersection(b.common, suspects); len(b.common) > 1 {
			return false
		}
		b.attributeLocked(b.common[0], how, now)
		return true
	}
	b.splitLocked(c, p.Binary, suspects, how, now)
	return c != nil
}

// intersection returns the elements that both lists have, or now if there are none.
func intersection(before, now []string) []string {
	both := slices.DeleteFunc(slices.Clone(before), func(t string) bool { return !slices.Contains(now, t) })
	if len(both) == 0 {
		return now
	}
	return both
}

// attributeLocked counts a crash that the tenant certainly caused, and begins to refuse the
// tenant's calls if there were too many. Locked: mu is held.
func (b *attribution) attributeLocked(tenant, how string, now time.Time) {
	t := b.noteLocked(tenant, now)
	if now.Sub(t.last) >= b.s.m.timing.suspected {
		t.crashes = 0
	}
	t.why, t.last = how, now
	t.crashes++
	b.s.totals.blamed.Add(1)
	if t.crashes < bounds.BlamedCrashes && t.pauses == 0 {
		return
	}
	pause := min(b.s.m.timing.blamePause<<min(t.pauses, 16), b.s.m.timing.maxBlamePause)
	t.crashes, t.pauses, t.refused = 0, t.pauses+1, now.Add(pause)
	b.s.totals.keptAway.Add(1)
	b.s.log.Warn("a tenant's calls or configuration end the plugin again and again: they are refused for a while",
		"tenant", tenant, "for", pause, "how", how)
}

// noteLocked returns the tenant's record, and makes it if there is none. If there are too
// many records, it drops the least important one first. Locked: mu is held.
func (b *attribution) noteLocked(tenant string, now time.Time) *suspicion {
	if t := b.tenants[tenant]; t != nil {
		return t
	}
	if len(b.tenants) >= bounds.SuspectedTenants {
		// Drop a tenant that was never refused, or else the one whose refusal ends or ended
		// first. Among equals, drop the one whose record is the oldest.
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

// dropLocked drops the tenant. Locked: mu is held.
func (b *attribution) dropLocked(t *suspicion) {
	b.moveLocked(t, nil)
	delete(b.tenants, t.tenant)
	b.watched.Store(int32(len(b.tenants)))
}

// sweepLocked drops tenants that did nothing for long, and takes suspects that did nothing
// for a while out of their cells. Locked: mu is held.
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

// scheduleLocked sets the timer to call sweepLocked at the time when something can be
// dropped. Locked: mu is held.
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

// reset drops all tenants. It is called when the plugin's file or settings changed or an
// operator asks for another try: the plugin may not crash any more.
func (b *attribution) reset() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.tenants {
		b.dropLocked(t)
	}
	b.common = nil
}

// close ends all cells once the calls in them have ended. It does not wait.
func (b *attribution) close() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.timer != nil {
		b.timer.Stop()
	}
	for _, c := range slices.Clone(b.cells) {
		b.windUpLocked(c)
	}
}

// each calls f with the supervisor of each cell.
func (b *attribution) each(f func(*supervisor)) {
	if b == nil {
		return
	}
	b.mu.Lock()
	cells := slices.Clone(b.cells)
	b.mu.Unlock()
	for _, c := range cells {
		f(c.sup)
	}
}

// status returns the tenants that are kept away, and the cells, both in a fixed order.
func (b *attribution) status() (away []KeptAway, cells []Cell) {
	if b == nil || b.watched.Load() == 0 {
		return nil, nil
	}
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.tenants {
		if now.Before(t.refused) {
			away = append(away, KeptAway{Tenant: t.tenant, Until: t.refused, Reason: t.why, Refused: t.pauses})
		}
	}
	for _, c := range b.cells {
		st := Cell{Tenants: slices.Sorted(maps.Keys(c.tenants))}
		st.State, st.PID = c.sup.stateNow()
		cells = append(cells, st)
	}
	slices.SortFunc(away, func(x, y KeptAway) int { return cmp.Compare(x.Tenant, y.Tenant) })
	slices.SortFunc(cells, func(x, y Cell) int { return slices.Compare(x.Tenants, y.Tenants) })
	return away, cells
}

// nameFew returns the names of a few of the tenants, and how many more there are.
func nameFew(tenants []string) string {
	named := slices.Sorted(slices.Values(tenants))
	if more := len(named) - namedTenants; more > 0 {
		return fmt.Sprintf("%v and %d more", named[:namedTenants], more)
	}
	return fmt.Sprint(named)
}
