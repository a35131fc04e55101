package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// phase is a part of the load.
type phase struct {
	name    string
	length  time.Duration
	changes int  // of tenants, a second
	rude    bool // clients leave and dawdle
	kills   bool // plugins are killed; without, no turn may fail
	quick   bool // nothing is asked of it but that everybody was there
}

// hardFor is how long tenants change at the full rate.
const hardFor = time.Minute

// changesLater is how many tenants change a second after that.
const changesLater = 5

// phases divide the length: first tenants change fast while nothing else goes wrong,
// then everything does.
func phases(length time.Duration, changes int) []phase {
	out := []phase{{name: "tenants change", length: min(length, hardFor), changes: changes}}
	if length > hardFor {
		out = append(out, phase{name: "everything at once", length: length - hardFor, changes: changesLater, rude: true, kills: true})
	}
	return out
}

// load runs everybody side by side for the phase.
func (r *run) load(ctx context.Context, p phase) error {
	began := time.Now()
	before := r.ledger.snapshot()
	load, cancel := context.WithTimeout(ctx, p.length)
	defer cancel()
	var all sync.WaitGroup
	for i := range talkers {
		all.Go(func() { r.talk(load, i, p) })
	}
	if p.rude {
		for i := range leavers {
			all.Go(func() { r.leave(load, i) })
		}
		for i := range dawdlers {
			all.Go(func() { r.dawdle(load, i) })
		}
	}
	if p.kills {
		all.Go(func() { r.kill(load) })
	}
	if p.changes > 0 {
		all.Go(func() { r.changeTenants(load, p.changes) })
	}
	if !p.quick {
		all.Go(func() { r.census.Watch(load) })
	}
	all.Wait()
	if err := context.Cause(load); !errors.Is(err, context.DeadlineExceeded) {
		return err // interrupted
	}
	r.ledger.verifyAll(ctx, &r.client)
	for _, err := range r.revisions.check() {
		r.ledger.violate("%v", err)
	}
	did := r.ledger.snapshot()
	for what, n := range before {
		did[what] -= n
	}
	took := time.Since(began).Seconds()
	fmt.Printf("%s: %.0f s, %d turns acknowledged, %.0f changes a second\n", p.name, took, did[acknowledged], float64(did[changed])/p.length.Seconds())
	if p.quick {
		return nil
	}
	// One in twenty is what a machine may owe that has the load to carry too.
	if want := float64(p.changes) * p.length.Seconds(); float64(did[changed]) < want-want/20 {
		r.ledger.violate("%s: tenants changed %d times instead of %.0f", p.name, did[changed], want)
	}
	needed := []string{acknowledged}
	if p.rude {
		needed = append(needed, left)
	}
	if p.kills {
		needed = append(needed, killed)
	}
	for _, what := range needed {
		if did[what] == 0 {
			r.ledger.violate("%s: nothing was %s: run it longer", p.name, what)
		}
	}
	return nil
}
