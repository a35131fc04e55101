package main

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"
)

// version identifies the settings of one tenant by their generation.
type version struct{ tenant, generation string }

// revisions compares the settings that turns ran with to the settings that were registered. Both maps have
// the revision as their key. A revisions is safe for concurrent use.
type revisions struct {
	mu         sync.Mutex
	registered map[string]version
	seen       map[string]version
}

// register records that the settings of generation n of a tenant were registered under the given revision.
func (r *revisions) register(revision string, tenant, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.registered == nil {
		r.registered = map[string]version{}
	}
	r.registered[revision] = version{tenantID(tenant), strconv.Itoa(n)}
}

// instructionsPattern matches the system prompt in a reply. The echo model repeats the system prompt
// before it repeats earlier messages, which may contain older prompts. The first match is therefore the
// prompt of this turn.
var instructionsPattern = regexp.MustCompile(`My instructions: "I serve (soak-\d\d) at generation (\d+)\.`)

// observe records the revision of a turn together with the system prompt in its reply. It returns an error
// if the reply has no prompt. It also returns an error if an earlier turn of the same revision had a
// different prompt.
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

// check returns an error for each revision that a turn ran with but that was not registered with the same
// settings. It is called while no change is running, because a turn may end before the change that
// registered its settings is recorded.
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
