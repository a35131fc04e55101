package plugins

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/sdk/fault"
)

// blame finds out whose calls end the process of a plugin that tenants share, and keeps
// that tenant away, so that the plugin goes on for the others.
//
// Who was in a process when it ended need not have ended it. So those tenants, the
// suspects, get other processes of the same plugin, their cells, in groups. When a cell
// ends, its suspects are dealt over more cells, and the others of the cell stay. A tenant
// is blamed only for the end of a process that never worked for anybody else: a neighbour
// that happens to be busy each time is moved, and never refused. After some of those ends
// the tenant's calls are refused for a time, which grows.
//
// Where a plugin cannot run twice, only a tenant that alone was in all ends in a row is
// blamed. The process of a plugin that is isolated by tenant has one tenant, which is
// blamed at once.
type blame struct {
	s       *supervisor
	watched atomic.Int32 // tenants that are known; read without the lock

	mu      sync.Mutex
	tenants map[string]*suspicion
	cells   []*cell
	common  []string // of a plugin that cannot run twice: who was in all ends in a row
	leaving int      // cells that take no more calls and still have some
	timer   *time.Timer
	closed  bool
}

// suspicion is what is known of a tenant that was in a process when it ended.
type suspicion struct {
	tenant  string
	cell    *cell     // where its calls are made; nil is with all others
	times   int       // that it came into a cell from there
	until   time.Time // when it leaves the cell, if nothing happens
	crashes int       // that were certainly its own, since it was last refused for them
	pauses  int       // refusals so far
	refused time.Time // until when its calls are refused
	last    time.Time // what happened last
	why     string    // how the process ended
}

// cell is a process for a group of suspects.
type cell struct {
	sup     *supervisor
	tenants map[string]*suspicion
	level   int // ends that its suspects were in
}

func newBlame(s *supervisor) *blame { return &blame{s: s, tenants: map[string]*suspicion{}} }

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

// route returns the supervisor that makes the tenant's call, or why it is refused. ends
// says that the call only ends or deletes what is there: it is not refused.
func (b *blame) route(tenant string, ends bool) (*supervisor, error) {
	if tenant == "" || b.watched.Load() == 0 {
		return b.s, nil
	}
	split, bin := b.canSplit(), b.s.binary()
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tenants[tenant]
	if t == nil || b.closed {
		return b.s, nil
	}
	now := time.Now()
	if t.isBlamed() && t.cell == nil && split && !now.Before(t.refused) {
		if !b.houseLocked(t, bin) { // all cells are taken by others like it
			t.refused = now.Add(b.s.m.timing.blamePause)
		}
	}
	if now.Before(t.refused) && !ends {
		return nil, b.refusal(t, now)
	}
	if t.cell != nil && !t.cell.sup.cannotStart() {
		return t.cell.sup, nil
	}
	return b.s, nil
}

// isBlamed reports whether the tenant is known to have ended a process.
func (t *suspicion) isBlamed() bool { return t.crashes > 0 || t.pauses > 0 }

// refusal is the error of a tenant that is kept away: one sentence for whoever calls, the
// rest for the operator.
func (b *blame) refusal(t *suspicion, now time.Time) error {
	return fault.New(fault.PluginUnavailable, "the %s is kept from tenant %s until %s: it ended again and again while it worked for this tenant alone (%s)",
		b.s.ref, t.tenant, t.refused.UTC().Format(time.RFC3339), t.why).
		By(fault.PartyTenant).After(t.refused.Sub(now).Round(time.Second)).
		Telling("what this tenant sends, or its configuration, ended a part of this service again and again: it is refused for a while")
}

// canSplit reports whether several processes of the plugin may run at once.
func (b *blame) canSplit() bool { return b.s.scope == "" && !b.s.lastInfo().GetExclusive() }

// ended notes that the process, the one that all others share or a cell's, ended while it
// worked for the suspects, and reports whether that is a tenant's doing.
func (b *blame) ended(c *cell, p *worker, suspects []string, how string) (attributed bool) {
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
		if b.common = shared(b.common, suspects); len(b.common) > 1 {
			return false
		}
		b.attributeLocked(b.common[0], how, now)
		return true
	}
	b.splitLocked(c, p.Binary, suspects, how, now)
	return c != nil
}

// shared returns what both have, or the second where that is nothing.
func shared(before, now []string) []string {
	both := slices.DeleteFunc(slices.Clone(before), func(t string) bool { return !slices.Contains(now, t) })
	if len(both) == 0 {
		return now
	}
	return both
}

// attributeLocked counts an end that was certainly the tenant's doing, and has the tenant
// refused if it was one too many. Locked: mu is held.
func (b *blame) attributeLocked(tenant, how string, now time.Time) {
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
	pause := min(b.s.m.timing.blamePause<<min(t.pauses, 16), b.s.m.timing.blameMost)
	t.crashes, t.pauses, t.refused = 0, t.pauses+1, now.Add(pause)
	b.s.totals.keptAway.Add(1)
	b.s.log.Warn("a tenant's calls or configuration end the plugin again and again: they are refused for a while",
		"tenant", tenant, "for", pause, "how", how)
}

// noteLocked returns what is known of the tenant, which may be nothing yet. Locked: mu is held.
func (b *blame) noteLocked(tenant string, now time.Time) *suspicion {
	if t := b.tenants[tenant]; t != nil {
		return t
	}
	if len(b.tenants) >= bounds.SuspectedTenants {
		// Those that are refused go last, then those that were heard of lately.
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

// dropLocked forgets the tenant. Locked: mu is held.
func (b *blame) dropLocked(t *suspicion) {
	b.moveLocked(t, nil)
	delete(b.tenants, t.tenant)
	b.watched.Store(int32(len(b.tenants)))
}

// newCell makes a cell, whose process is started when a call needs it.
func (b *blame) newCell(bin *discovery.Binary, level int) *cell {
	c := &cell{tenants: map[string]*suspicion{}, level: level}
	c.sup = newCellSupervisor(b.s, bin, c)
	return c
}

// moveLocked has the tenant's calls made in another cell from now on; nil is with all
// others. Locked: mu is held.
func (b *blame) moveLocked(t *suspicion, to *cell) {
	if from := t.cell; from != nil && from != to {
		delete(from.tenants, t.tenant)
		if len(from.tenants) == 0 {
			b.windUpLocked(from)
		}
	}
	if t.cell = to; to != nil {
		to.tenants[t.tenant] = t
	}
}

// splitLocked deals the suspects of a process that ended over as many cells as there are
// free. Locked: mu is held.
func (b *blame) splitLocked(c *cell, bin *discovery.Binary, suspects []string, how string, now time.Time) {
	level := 1
	if c != nil {
		level = c.level + 1
	}
	var group []*suspicion
	for _, tenant := range suspects[:min(len(suspects), bounds.SuspectedTenants)] {
		t := b.noteLocked(tenant, now)
		if c == nil && t.cell != nil || c != nil && t.cell != c {
			continue // it was moved already, and this is a call from before
		}
		if c == nil {
			t.times++
		}
		t.why, t.last = how, now
		t.until = now.Add(min(b.s.m.timing.suspected<<min(max(t.times-1, 0), 16), b.s.m.timing.blameMemory))
		group = append(group, t)
	}
	if len(group) == 0 {
		return
	}
	if b.leaving >= bounds.PluginCells && c != nil {
		return // they stay together until the cells that were left have ended
	}
	rand.Shuffle(len(group), func(i, j int) { group[i], group[j] = group[j], group[i] })
	want := min(len(group), bounds.PluginCells)
	for len(b.cells) > 0 && bounds.PluginCells-len(b.cells) < min(2, want) && b.makeRoomLocked(c) {
	}
	free := min(want, bounds.PluginCells-len(b.cells))
	if free == 0 {
		return
	}
	first := len(b.cells)
	for range free {
		b.cells = append(b.cells, b.newCell(bin, level))
	}
	cells := slices.Clone(b.cells[first:])
	for i, t := range group {
		b.moveLocked(t, cells[i%free])
	}
	b.s.log.Warn("the plugin ended while it worked for these tenants: each group of them gets a process of its own, to find out whose doing it is",
		"tenants", nameFew(suspects), "groups", free)
}

// houseLocked gives a tenant that is blamed a cell, if there is one left. Locked: mu is held.
func (b *blame) houseLocked(t *suspicion, bin *discovery.Binary) bool {
	if len(b.cells) >= bounds.PluginCells && !b.makeRoomLocked(nil) {
		return false
	}
	c := b.newCell(bin, 1)
	b.cells = append(b.cells, c)
	b.moveLocked(t, c)
	return true
}

// makeRoomLocked frees a cell, which is not the given one, and reports whether it could:
// that of a tenant that is refused, else two of those that fewest ends speak against become
// one. Locked: mu is held.
func (b *blame) makeRoomLocked(but *cell) bool {
	now := time.Now()
	var open []*cell
	for _, c := range b.cells {
		if c == but {
			continue
		}
		blamed := false
		for _, t := range c.tenants {
			if now.Before(t.refused) {
				b.moveLocked(t, nil) // it gets one again when it may call
				return true
			}
			blamed = blamed || t.isBlamed()
		}
		if !blamed {
			open = append(open, c)
		}
	}
	if len(open) < 2 {
		return false
	}
	slices.SortFunc(open, func(x, y *cell) int { return cmp.Compare(x.level, y.level) })
	into, from := open[1], open[0]
	for _, t := range slices.Collect(maps.Values(from.tenants)) {
		b.moveLocked(t, into)
	}
	return true
}

// windUpLocked ends a cell without tenants, once the calls in it have ended. Locked: mu is held.
func (b *blame) windUpLocked(c *cell) {
	b.cells = slices.DeleteFunc(b.cells, func(other *cell) bool { return other == c })
	b.leaving++
	b.s.drains.Go(func() {
		c.sup.retire()
		b.mu.Lock()
		defer b.mu.Unlock()
		b.leaving--
	})
}

// sweepLocked forgets what is too long ago. Locked: mu is held.
func (b *blame) sweepLocked(now time.Time) {
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

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// scheduleLocked has sweepLocked run when there is something to forget. Locked: mu is held.
func (b *blame) scheduleLocked(now time.Time) {
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

// forgive forgets all: what the tenants were blamed for may be gone.
func (b *blame) forgive() {
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

// close ends all cells, when no call is left.
func (b *blame) close() {
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
func (b *blame) each(f func(*supervisor)) {
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

// status returns who is kept away, and the cells, both in a fixed order.
func (b *blame) status() (away []KeptAway, cells []Cell) {
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

// nameFew names some of the tenants, and how many there are beside them.
func nameFew(tenants []string) string {
	named := slices.Sorted(slices.Values(tenants))
	if more := len(named) - namedTenants; more > 0 {
		return fmt.Sprintf("%v and %d more", named[:namedTenants], more)
	}
	return fmt.Sprint(named)
}
