package storagetest

import (
	"context"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// covers reports whether the scope contains the conversation. It ignores Before and Limit.
func (r *reference) covers(scope storage.Scope, c *conversation) bool {
	call := scope.Call
	switch {
	case c.tenant != r.tenant(call):
		return false
	case call.Conversation != "":
		orphan := c.branch != nil && c.branch.source == call.Conversation && r.has("branches-die-with-source")
		return c.address == r.address(call) || orphan
	case call.User != "":
		if guest := r.has("deletes-guests") && c.wrote(call.User); guest {
			return true
		}
		return c.user == call.User && (!c.shared() || r.has("deletes-shared"))
	}
	return true
}

// wrote reports whether the user has a turn in the conversation.
func (c *conversation) wrote(user string) bool {
	return slices.ContainsFunc(c.rows, func(t *row) bool { return t.User == user })
}

// shared reports whether users other than the owner wrote in the conversation.
func (c *conversation) shared() bool {
	return slices.ContainsFunc(c.rows, func(t *row) bool { return t.User != "" && t.User != c.user })
}

// admits reports whether the call may use the conversation. It returns true if the conversation
// does not exist.
func (r *reference) admits(c *conversation, call sdk.Call, owned bool) bool {
	return c == nil || !owned || c.user == call.User || r.has("nobodys-is-anybodys") && c.user == ""
}

// empty empties the turns of the scope's user in the remaining conversations, and returns how many
// it emptied.
func (r *reference) empty(scope storage.Scope) (emptied int64) {
	user := scope.Call.User
	if scope.Call.Conversation != "" || user == "" || r.has("keeps-turns") {
		return 0
	}
	for _, c := range r.conversations {
		if c.tenant != r.tenant(scope.Call) || r.spares(scope, c) && !r.has("empties-new") {
			continue
		}
		for _, t := range c.rows {
			if t.User != user {
				continue
			}
			kept := *t
			t.Turn, t.was = t.Emptied(time.Now()), t.Key
			t.overtaken = !r.has("emptied-commit")
			if r.has("keeps-metadata") {
				t.Metadata = kept.Metadata
			}
			if r.has("empties-numbers") {
				t.Number = 0
			}
			if r.has("emptied-runs-on") {
				t.State, t.EndedAt = kept.State, kept.EndedAt
			}
			emptied++
			r.forgetUser(c, user)
		}
		if c.user == user && !r.has("keeps-owner") {
			c.user = ""
		}
	}
	if r.has("counts-no-emptied") {
		return 0
	}
	return emptied
}

// spares reports whether the scope's Before excludes the conversation from the deletion.
func (r *reference) spares(scope storage.Scope, c *conversation) bool {
	if scope.Before.IsZero() {
		return false
	}
	t := c.running()
	alive := t != nil && r.leases[t.holder].After(time.Now()) && !r.has("before-kills-running")
	late := !c.updated.Before(scope.Before)
	if r.has("before-includes") {
		late = c.updated.After(scope.Before)
	}
	return alive || late
}

func (r *reference) Delete(_ context.Context, scope storage.Scope) (d storage.Deleted, err error) {
	r.enter()
	defer r.mu.Unlock()
	call := scope.Call
	if err := checkTenant(call); err != nil {
		return d, err
	}
	whole := call.Conversation == "" && call.User == ""
	if whole && !scope.Tenant && !r.has("eager-delete") || scope.Limit < 0 || scope.Owned && (call.User == "" || call.Conversation == "") {
		return d, fault.New(fault.Invalid, "names nothing").At("tenant")
	}
	if scope.Limit == 0 {
		scope.Limit = 1 << 30
	}
	var missed int64
	if r.has("late-count") {
		missed = r.rows(scope)
		r.pause(time.Millisecond)
		missed -= r.rows(scope)
	}
	doomed := 0
	for address, c := range r.conversations {
		if !r.covers(scope, c) || r.spares(scope, c) || !r.admits(c, call, scope.Owned && !r.has("deletes-anybodys")) {
			continue
		}
		if r.has("steps-in-reach") && doomed >= scope.Limit {
			d.More = true
			continue
		}
		doomed += len(c.rows)
		delete(r.conversations, address)
		r.forgetConversation(c)
		r.deleted = append(r.deleted, c)
	}
	if r.has("late-death") {
		r.pause(time.Millisecond)
	}
	if whole && scope.Before.IsZero() {
		r.forgetTenant(call)
	}
	if whole && call.Incarnation != "" && (scope.Before.IsZero() || r.has("before-ends-incarnation")) {
		r.dead[r.tenant(call)] = true
	}
	if whole && scope.Before.IsZero() && r.has("delete-unregisters") {
		delete(r.roll.versions, call.Tenant)
	}
	r.sweep(scope, &d)
	d.Emptied = r.empty(scope)
	d.Turns += missed
	if d.Conversations == 0 && call.Conversation != "" && r.has("delete-not-found") {
		return d, fault.New(fault.NotFound, "no such conversation")
	}
	return d, nil
}

// rows returns how many rows the conversations of the scope have.
func (r *reference) rows(scope storage.Scope) (n int64) {
	for _, c := range r.conversations {
		if r.covers(scope, c) {
			n += int64(len(c.rows))
		}
	}
	return n
}

// sweep removes up to Limit rows of conversations that are unlinked but still have rows.
func (r *reference) sweep(scope storage.Scope, d *storage.Deleted) {
	r.deleted = slices.DeleteFunc(r.deleted, func(c *conversation) bool {
		if !r.covers(scope, c) || !r.admits(c, scope.Call, scope.Owned) {
			return false
		}
		n := min(len(c.rows), scope.Limit-int(d.Turns))
		c.rows = c.rows[n:]
		d.Turns += int64(n)
		if fresh := r.conversations[c.address]; r.has("steps-eat-fresh") && fresh != nil && len(fresh.rows) > 0 {
			fresh.rows = fresh.rows[1:]
		}
		if len(c.rows) > 0 {
			d.More = true
			if r.has("steps-miscount") {
				d.Conversations++
			}
			return false
		}
		d.Conversations++
		return true
	})
}
