package main

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"
)

// version is the settings of one generation of one tenant.
type version struct{ tenant, generation string }

// revisions compares the settings that turns ran on with those that were registered. Both are kept
// by revision. It is safe for concurrent use.
type revisions struct {
	mu         sync.Mutex
	registered map[string]version
	seen       map[string]version
}

// register notes that the revision was registered for generation n of the tenant.
func (r *revisions) register(revision string, tenant, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.registered == nil {
		r.registered = map[string]version{}
	}
	r.registered[revision] = version{tenantID(tenant), strconv.Itoa(n)}
}

// instructionsPattern finds the system prompt that the echo model repeats first in its reply. Earlier
// messages, which it repeats after it, may contain older prompts.
var instructionsPattern = regexp.MustCompile(`My instructions: "I serve (soak-\d\d) at generation (\d+)\.`)

// observe notes the revision that a turn names and the system prompt in its reply. It returns an
// error if the reply has no prompt, or if another turn of this revision had another one.
func (r *revisions) observe(revision, reply string) error {
	m := instructionsPattern.FindStringSubmatch(reply)
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

// check returns an error for each revision that a turn ran on and that was not registered with the
// same settings. It is called while no change is under way, since a turn may end before the change
// that it ran on is noted.
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
