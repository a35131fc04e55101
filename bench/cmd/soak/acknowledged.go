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

// What is counted.
const (
	acknowledged = "acknowledged"
	changed      = "changed"
	left         = "left"
	killed       = "killed"
)

// ledger remembers what was acknowledged, and what went wrong.
type ledger struct {
	mu         sync.Mutex
	open_      map[*conversation]bool
	counts     map[string]int
	violations []string
	more       int
}

// conversation is what one talker was told. It is written by that one only.
type conversation struct {
	tenant, id string
	acks       []ack
}

type ack struct {
	turn          int64
	message, text string
}

func (l *ledger) open(c *conversation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open_ == nil {
		l.open_ = map[*conversation]bool{}
	}
	l.open_[c] = true
}

func (l *ledger) count(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[what]++
}

func (l *ledger) fail(class string) { l.count("failed: " + class) }

func (l *ledger) acknowledge(c *conversation, turn int64, message, text string) {
	c.acks = append(c.acks, ack{turn, message, text})
	l.count(acknowledged)
}

// mostViolations are printed; the rest is counted.
const mostViolations = 20

func (l *ledger) violate(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.violations) == mostViolations {
		l.more++
		return
	}
	l.violations = append(l.violations, fmt.Sprintf(format, args...))
}

// verify holds the log against what was acknowledged. A turn whose end nobody saw
// may be in the log, once, or not.
func (l *ledger) verify(ctx context.Context, c *client, conv *conversation) {
	log, err := c.log(ctx, conv.tenant, conv.id)
	if err != nil {
		if !over(ctx, err) {
			l.violate("the log of %s/%s: %v", conv.tenant, conv.id, err)
		}
		return
	}
	seen := map[string]int{}
	text := map[int64]string{}
	for i, m := range log {
		if want := int64(i/2 + 1); m.Turn != want {
			l.violate("%s/%s: message %d is of turn %d; want %d", conv.tenant, conv.id, i, m.Turn, want)
		}
		if m.Role == "user" {
			seen[m.Content]++
		} else {
			text[m.Turn] = m.Content
		}
		for _, id := range served.FindAllString(m.Content, -1) {
			if id != conv.tenant {
				l.violate("%s/%s has something of %s in it", conv.tenant, conv.id, id)
			}
		}
	}
	for message, n := range seen {
		if n != 1 {
			l.violate("%s/%s: %q is there %d times", conv.tenant, conv.id, message, n)
		}
	}
	for _, a := range conv.acks {
		if seen[a.message] != 1 || text[a.turn] != a.text {
			l.violate("%s/%s: acknowledged turn %d (%s) is not in the log as acknowledged", conv.tenant, conv.id, a.turn, a.message)
		}
	}
	l.count("verified conversations")
	if status, body, err := c.do(ctx, http.MethodDelete, "/api/v1/conversations/"+conv.id, conv.tenant, nil); (err != nil && !over(ctx, err)) || (err == nil && status/100 != 2) {
		l.violate("deleting %s/%s: %d %s %v", conv.tenant, conv.id, status, body, err)
	}
	l.mu.Lock()
	delete(l.open_, conv)
	l.mu.Unlock()
}

// snapshot is what was counted so far.
func (l *ledger) snapshot() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := maps.Clone(l.counts)
	if out == nil {
		out = map[string]int{}
	}
	return out
}

// verifyAll verifies what is left at the end of a phase.
func (l *ledger) verifyAll(ctx context.Context, c *client) {
	l.mu.Lock()
	rest := slices.Collect(maps.Keys(l.open_))
	l.mu.Unlock()
	for _, conv := range rest {
		if len(conv.acks) > 0 {
			l.verify(ctx, c, conv)
		}
	}
}

func (l *ledger) print() {
	for _, what := range slices.Sorted(maps.Keys(l.counts)) {
		fmt.Printf("%8d %s\n", l.counts[what], what)
	}
}

func (l *ledger) err() error {
	var errs []error
	for _, v := range l.violations {
		errs = append(errs, errors.New(v))
	}
	if l.more > 0 {
		errs = append(errs, fmt.Errorf("and %d more", l.more))
	}
	return errors.Join(errs...)
}
