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

// attribution determines which tenant's calls crash the shared process of a plugin. It
// refuses the calls of that tenant, so that the plugin continues to work for the other
// tenants.
//
// A tenant with a call in a process that crashes is a suspect, because its call may or may
// not have caused the crash. All suspects of a crash are divided into groups, and each
// group gets a process of its own, called a cell. When a cell crashes, its suspects are
// divided into more cells. A tenant is blamed only for the crash of a process that never
// worked for another tenant. So a tenant that merely has calls at each crash is moved
// between processes, but never refused. After bounds.BlamedCrashes crashes, attribution
// refuses the calls of the blamed tenant for a time. This time doubles with each refusal.
//
// An exclusive plugin has no cells, because two of its processes must not run at once. Of
// such a plugin, a tenant is blamed if it is the only tenant that was a suspect of all
// crashes in a row. If a plugin is isolated by tenant, each process works for one tenant,
// and a crash is blamed on this tenant at once.
//
// The supervisor of a cell has a nil attribution, which contains no tenants. An attribution
// is safe for concurrent use.
type attribution struct {
	s       *supervisor
	watched atomic.Int32 // the length of tenants, which route and status read without the lock

	mu      sync.Mutex
	tenants map[string]*suspicion
	cells   []*cell
	common  []string // the tenants that were suspects of all crashes in a row; used only for exclusive plugins
	leaving int      // how many cells take no more calls and still have running calls
	timer   *time.Timer
	closed  bool
}

func newAttribution(s *supervisor) *attribution {
	return &attribution{s: s, tenants: map[string]*suspicion{}}
}

// KeptAway describes a tenant whose calls a plugin refuses until a given time.
type KeptAway struct {
	Tenant  string    `json:"tenant"`
	Until   time.Time `json:"until"`
	Reason  string    `json:"reason"`
	Refused int       `json:"times"` // how often the tenant was refused
}

// Cell describes the process of a plugin for a group of tenants that are suspects of a
// crash.
type Cell struct {
	Tenants []string `json:"tenants"`
	PID     int      `json:"pid,omitempty"`
	State   State    `json:"state"`
}

// route returns the supervisor whose process makes the call of the tenant o.tenant. It
// returns an error if the tenant is refused. A call that ends a turn or deletes data is
// never refused.
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
		if !b.giveCellLocked(t, bin) { // other blamed tenants occupy all cells
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

// isBlamed reports whether the tenant was blamed for a crash.
func (t *suspicion) isBlamed() bool { return t.crashes > 0 || t.pauses > 0 }

// refusal returns the error of a tenant that is refused. The error has a sentence for the
// caller, and details for the operator.
func (b *attribution) refusal(t *suspicion, now time.Time) error {
	return fault.New(fault.PluginUnavailable, "the %s is kept from tenant %s until %s: it ended again and again while it worked for this tenant alone (%s)",
		b.s.ref, t.tenant, t.refused.UTC().Format(time.RFC3339), t.why).
		By(fault.PartyTenant).After(t.refused.Sub(now).Round(time.Second)).
		Telling("what this tenant sends, or its configuration, ended a part of this service again and again: it is refused for a while")
}

// canSplit reports whether several processes of the plugin may run at once.
func (b *attribution) canSplit() bool { return b.s.scope == "" && !b.s.lastInfo().GetExclusive() }

// crashed records that the process p crashed while it worked for the suspects. how
// describes the end of the process. c is the cell of the process, or nil for the shared
// process. crashed reports whether a tenant certainly caused the crash.
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

// intersection returns the elements that both lists contain. If there are none, it returns
// the list now.
func intersection(before, now []string) []string {
	both := slices.DeleteFunc(slices.Clone(before), func(t string) bool { return !slices.Contains(now, t) })
	if len(both) == 0 {
		return now
	}
	return both
}

// attributeLocked counts a crash that the tenant certainly caused. If the tenant has caused
// too many crashes, attributeLocked starts a time in which the tenant's calls are refused.
// Locked: mu is held.
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

// reset deletes all records. It is called when the plugin's file or settings changed, or
// when an operator asks for another try, because the plugin may no longer crash.
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

// close stops all cells after their running calls have ended. It returns without waiting.
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

// status returns the refused tenants and the cells. Both lists are sorted by tenant.
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

// nameFew returns the first namedTenants names in sorted order, and how many more tenants
// there are.
func nameFew(tenants []string) string {
	named := slices.Sorted(slices.Values(tenants))
	if more := len(named) - namedTenants; more > 0 {
		return fmt.Sprintf("%v and %d more", named[:namedTenants], more)
	}
	return fmt.Sprint(named)
}
