package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

type phase struct {
	name    string
	length  time.Duration
	changes int  // changes of tenants a second
	rude    bool // some clients disconnect or read slowly
	kills   bool // plugin processes are killed
	warmUp  bool // neither memory nor the counts of events are checked
}

// fastChangesFor is how long tenants change at the rate of the flag --changes.
const fastChangesFor = time.Minute

// slowChangeRate is how many tenants change a second once fastChangesFor is over.
const slowChangeRate = 5

// phases divides the length of a run into at most two phases. In the first phase tenants change fast,
// without other disturbances. In the second phase, if the run is long enough for it, all disturbances
// happen at once.
func phases(length time.Duration, changes int) []phase {
	out := []phase{{name: "tenants change", length: min(length, fastChangesFor), changes: changes}}
	if length > fastChangesFor {
		out = append(out, phase{name: "everything at once", length: length - fastChangesFor, changes: slowChangeRate, rude: true, kills: true})
	}
	return out
}

// load runs the clients and disturbances of one phase concurrently, and checks the results when all of
// them have stopped. It returns an error only if ctx is done before the phase is over.
func (r *run) load(ctx context.Context, p phase) error {
	began := time.Now()
	before := r.results.countsSoFar()
	load, cancel := context.WithTimeout(ctx, p.length)
	defer cancel()
	var all sync.WaitGroup
	for i := range talkers {
		all.Go(func() { r.talk(load, i, p) })
	}
	if p.rude {
		for i := range disconnecters {
			all.Go(func() { r.disconnect(load, i) })
		}
		for i := range slowReaders {
			all.Go(func() { r.readSlowly(load, i) })
		}
	}
	if p.kills {
		all.Go(func() { r.killPlugins(load) })
	}
	if p.changes > 0 {
		all.Go(func() { r.changeTenants(load, p.changes) })
	}
	if !p.warmUp {
		all.Go(func() { r.leaks.WatchMemory(load) })
	}
	all.Wait()
	if err := context.Cause(load); !errors.Is(err, context.DeadlineExceeded) {
		return err // the run was interrupted
	}
	r.results.verifyAll(ctx, &r.client)
	for _, err := range r.revisions.check() {
		r.results.violate("%v", err)
	}
	did := r.results.countsSoFar()
	for what, n := range before {
		did[what] -= n
	}
	took := time.Since(began).Seconds()
	fmt.Printf("%s: %.0f s, %d turns acknowledged, %.0f changes a second\n", p.name, took, did[acknowledged], float64(did[changed])/p.length.Seconds())
	if p.warmUp {
		return nil
	}
	// The changers share the machine with the host and the clients, so 5 % fewer changes than wanted are
	// allowed.
	if want := float64(p.changes) * p.length.Seconds(); float64(did[changed]) < want-want/20 {
		r.results.violate("%s: tenants changed %d times instead of %.0f", p.name, did[changed], want)
	}
	needed := []string{acknowledged}
	if p.rude {
		needed = append(needed, disconnected)
	}
	if p.kills {
		needed = append(needed, killed)
	}
	for _, what := range needed {
		if did[what] == 0 {
			r.results.violate("%s: nothing was %s: run it longer", p.name, what)
		}
	}
	return nil
}
