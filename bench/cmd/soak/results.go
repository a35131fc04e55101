package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// The events that results counts.
const (
	acknowledged = "acknowledged"
	changed      = "changed"
	disconnected = "disconnected"
	killed       = "killed"
)

// results has the acknowledged turns, the counts of events and the violations. It is safe for concurrent
// use.
type results struct {
	mu         sync.Mutex
	unverified map[*conversation]bool
	counts     map[string]int
	violations []string
	more       int // number of violations beyond maxViolations
}

// conversation has the acknowledged turns of one conversation. Only the goroutine that runs the
// conversation writes to it.
type conversation struct {
	tenant, id string
	acks       []ack
}

// ack is one acknowledged turn with its message and the text of its reply.
type ack struct {
	turn          int64
	message, text string
}

// track adds a conversation that verify or verifyAll checks later.
func (r *results) track(c *conversation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unverified == nil {
		r.unverified = map[*conversation]bool{}
	}
	r.unverified[c] = true
}

func (r *results) count(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[string]int{}
	}
	r.counts[what]++
}

// fail counts a failed turn under the class of its problem.
func (r *results) fail(class string) { r.count("failed: " + class) }

// acknowledge records a turn that the host has acknowledged.
func (r *results) acknowledge(c *conversation, turn int64, message, text string) {
	c.acks = append(c.acks, ack{turn, message, text})
	r.count(acknowledged)
}

// maxViolations is the most violations that are stored and printed. Further violations are only counted.
const maxViolations = 20

// violate records a violation, which is an event that must never happen.
func (r *results) violate(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.violations) == maxViolations {
		r.more++
		return
	}
	r.violations = append(r.violations, fmt.Sprintf(format, args...))
}

// verify checks that a stored conversation has each of its acknowledged turns once, and each other turn at
// most once. Then it deletes the conversation.
func (r *results) verify(ctx context.Context, c *client, conv *conversation) {
	log, err := c.readLog(ctx, conv.tenant, conv.id)
	if err != nil {
		if !endOfRun(ctx, err) {
			r.violate("the log of %s/%s: %v", conv.tenant, conv.id, err)
		}
		return
	}
	seen := map[string]int{}
	text := map[int64]string{}
	for i, m := range log {
		if want := int64(i/2 + 1); m.Turn != want {
			r.violate("%s/%s: message %d is of turn %d; want %d", conv.tenant, conv.id, i, m.Turn, want)
		}
		if m.Role == "user" {
			seen[m.Content]++
		} else {
			text[m.Turn] = m.Content
		}
		for _, id := range tenantIDPattern.FindAllString(m.Content, -1) {
			if id != conv.tenant {
				r.violate("%s/%s has something of %s in it", conv.tenant, conv.id, id)
			}
		}
	}
	for message, n := range seen {
		if n != 1 {
			r.violate("%s/%s: %q is there %d times", conv.tenant, conv.id, message, n)
		}
	}
	for _, a := range conv.acks {
		if seen[a.message] != 1 || text[a.turn] != a.text {
			r.violate("%s/%s: acknowledged turn %d (%s) is not in the log as acknowledged", conv.tenant, conv.id, a.turn, a.message)
		}
	}
	r.count("verified conversations")
	if status, body, err := c.do(ctx, http.MethodDelete, "/api/v1/conversations/"+conv.id, conv.tenant, nil); (err != nil && !endOfRun(ctx, err)) || (err == nil && status/100 != 2) {
		r.violate("deleting %s/%s: %d %s %v", conv.tenant, conv.id, status, body, err)
	}
	r.mu.Lock()
	delete(r.unverified, conv)
	r.mu.Unlock()
}

func (r *results) countsSoFar() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := maps.Clone(r.counts)
	if out == nil {
		out = map[string]int{}
	}
	return out
}

// verifyAll verifies the tracked conversations that are not verified yet. It is called at the end of a
// phase, when all clients have stopped.
func (r *results) verifyAll(ctx context.Context, c *client) {
	r.mu.Lock()
	rest := slices.Collect(maps.Keys(r.unverified))
	r.mu.Unlock()
	for _, conv := range rest {
		if len(conv.acks) > 0 {
			r.verify(ctx, c, conv)
		}
	}
}

// print prints the counts. It is called when all clients have stopped.
func (r *results) print() {
	for _, what := range slices.Sorted(maps.Keys(r.counts)) {
		fmt.Printf("%8d %s\n", r.counts[what], what)
	}
}

// err returns all violations as one error, or nil. It is called when all clients have stopped.
func (r *results) err() error {
	var errs []error
	for _, v := range r.violations {
		errs = append(errs, errors.New(v))
	}
	if r.more > 0 {
		errs = append(errs, fmt.Errorf("and %d more", r.more))
	}
	return errors.Join(errs...)
}
