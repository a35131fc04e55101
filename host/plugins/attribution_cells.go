package plugins

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/plugins/discovery"
)

// cell is the process of a plugin for a group of suspects, see attribution.
type cell struct {
	sup     *supervisor
	tenants map[string]*suspicion
	level   int // how many crashes the suspects of this cell had a call in
}

// newCell returns a cell without tenants. Its process starts when a call needs it.
func (b *attribution) newCell(bin *discovery.Binary, level int) *cell {
	c := &cell{tenants: map[string]*suspicion{}, level: level}
	c.sup = newCellSupervisor(b.s, bin, c)
	return c
}

// moveLocked moves the tenant to the cell to, whose process makes the tenant's calls from
// now on. If to is nil, it moves the tenant to the shared process. If the tenant's former
// cell is empty then, moveLocked stops that cell. Locked: mu is held.
func (b *attribution) moveLocked(t *suspicion, to *cell) {
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

// splitLocked divides the suspects of a crash into as many cells as are free. c is the cell
// that crashed, or nil for the shared process. Locked: mu is held.
func (b *attribution) splitLocked(c *cell, bin *discovery.Binary, suspects []string, how string, now time.Time) {
	level := 1
	if c != nil {
		level = c.level + 1
	}
	var group []*suspicion
	for _, tenant := range suspects[:min(len(suspects), bounds.SuspectedTenants)] {
		t := b.noteLocked(tenant, now)
		if c == nil && t.cell != nil || c != nil && t.cell != c {
			continue // the call began before the tenant was moved
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
		return // the suspects stay in their cell until earlier cells have ended
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

// giveCellLocked moves a blamed tenant to a new cell, and reports whether it succeeded. It
// frees a cell first if there are bounds.PluginCells already. Locked: mu is held.
func (b *attribution) giveCellLocked(t *suspicion, bin *discovery.Binary) bool {
	if len(b.cells) >= bounds.PluginCells && !b.makeRoomLocked(nil) {
		return false
	}
	c := b.newCell(bin, 1)
	b.cells = append(b.cells, c)
	b.moveLocked(t, c)
	return true
}

// makeRoomLocked frees a cell, but never the cell but, and reports whether it succeeded. It
// frees the cell of a refused tenant if there is one. Otherwise it merges the two cells
// whose suspects had calls in the fewest crashes. Locked: mu is held.
func (b *attribution) makeRoomLocked(but *cell) bool {
	now := time.Now()
	var open []*cell
	for _, c := range b.cells {
		if c == but {
			continue
		}
		blamed := false
		for _, t := range c.tenants {
			if now.Before(t.refused) {
				b.moveLocked(t, nil) // the tenant gets a new cell when its refusal is over
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

// windUpLocked stops a cell after its running calls have ended. It returns without waiting.
// Locked: mu is held.
func (b *attribution) windUpLocked(c *cell) {
	b.cells = slices.DeleteFunc(b.cells, func(other *cell) bool { return other == c })
	b.leaving++
	b.s.drains.Go(func() {
		c.sup.retire()
		b.mu.Lock()
		defer b.mu.Unlock()
		b.leaving--
	})
}
