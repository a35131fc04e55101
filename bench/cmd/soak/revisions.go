package main

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"
)

// version is what a tenant was given, or answered by.
type version struct{ tenant, generation string }

// revisions holds what turns ran on against what was registered.
type revisions struct {
	mu         sync.Mutex
	registered map[string]version
	seen       map[string]version
}

func (r *revisions) register(revision string, tenant, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.registered == nil {
		r.registered = map[string]version{}
	}
	r.registered[revision] = version{idOf(tenant), strconv.Itoa(n)}
}

// instructions are those in a reply of the echo; what follows may be older.
var instructions = regexp.MustCompile(`My instructions: "I serve (soak-\d\d) at generation (\d+)\.`)

// sight notes what a turn says that it ran on and what its reply was made from.
func (r *revisions) sight(revision, reply string) error {
	m := instructions.FindStringSubmatch(reply)
	if m == nil {
		return fmt.Errorf("no instructions in: %s", reply)
	}
	now := version{m[1], m[2]}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = map[string]version{}
	}
	if was, ok := r.seen[revision]; ok && was != now {
		return fmt.Errorf("revision %s is %v in one turn and %v in another", revision, was, now)
	}
	r.seen[revision] = now
	return nil
}

// check answers what turns ran on that was not registered so. It is for when no
// change is under way: a turn may be told before the change that it ran on.
func (r *revisions) check() (errs []error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for revision, v := range r.seen {
		if was, ok := r.registered[revision]; !ok || was != v {
			errs = append(errs, fmt.Errorf("a turn ran on revision %s as %v; it was registered as %v", revision, v, was))
		}
	}
	fmt.Printf("turns ran on %d of %d revisions\n", len(r.seen), len(r.registered))
	return errs
}
