package storagetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func (r *reference) Commit(_ context.Context, req *storage.CommitRequest) (int64, error) {
	r.enter()
	defer r.mu.Unlock()
	ended := req.State == storage.Succeeded || req.State == storage.Failed || req.State == storage.Interrupted
	if !ended || req.State == storage.Succeeded && len(req.Messages) == 0 {
		return 0, fault.New(fault.Invalid, "no end of a turn").At("state")
	}
	if err := checkConversation(req.Call); err != nil {
		return 0, err
	}
	c, t := r.behind(req)
	stale := t != nil && t.overtaken && !r.has("stale-fence")
	if t != nil && r.has("strict-lease") && t.State == storage.Running && !t.lease.After(time.Now()) {
		stale = true
	}
	if t == nil || stale {
		return 0, fault.New(fault.Conflict, "the fence is stale")
	}
	if t.State != storage.Running && !t.overtaken {
		switch {
		case r.has("repeats-conflict"):
			return 0, fault.New(fault.Conflict, "committed already")
		case t.State != req.State && !r.has("last-wins"):
			return 0, fault.New(fault.Conflict, "committed otherwise")
		case !r.has("last-wins"):
			return t.Number, nil
		}
		t.Messages = t.Messages[:t.begun]
	}
	if req.State == storage.Succeeded && t.Number == 0 {
		t.Number = c.succeeded() + 1
		if r.has("numbers-again") {
			t.Number = r.live(c) + 1
		}
	}
	if req.State != storage.Succeeded && t.RetractFrom > 0 && r.has("failing-restores") {
		r.restore(c, t)
	}
	t.State, t.Reason, t.Usage, t.Record, t.EndedAt = req.State, req.Reason, req.Usage, req.Record, time.Now()
	if r.has("drops-usage-members") {
		t.Usage = withoutMembers(t.Usage, "details", "of_later")
	}
	for _, m := range req.Messages {
		t.Messages = append(t.Messages, r.kept(m))
	}
	c.updated = t.EndedAt
	return t.Number, nil
}

// behind returns the turn that has the fence.
func (r *reference) behind(req *storage.CommitRequest) (*conversation, *row) {
	look := []*conversation{r.conversations[r.address(req.Call)]}
	if r.has("fence-anywhere") {
		look = slices.Collect(maps.Values(r.conversations))
	}
	for _, c := range look {
		if c == nil {
			continue
		}
		for _, t := range slices.Backward(c.rows) {
			if r.fence(c, t) == req.Fence {
				return c, t
			}
		}
	}
	return nil, nil
}

func (r *reference) Read(_ context.Context, req *storage.ReadRequest) (*storage.TurnPage, error) {
	r.enter()
	defer r.mu.Unlock()
	if err := checkConversation(req.Call); err != nil {
		return nil, err
	}
	if err := r.checkLimit(req.Limit); err != nil || req.Owned && req.Call.User == "" {
		return nil, cmp.Or(err, error(fault.New(fault.Invalid, "names no user")))
	}
	c := r.conversations[r.address(req.Call)]
	if c == nil || !r.admits(c, req.Call, req.Owned && !r.has("reads-anybodys")) {
		if r.has("missing-is-empty") && strings.HasSuffix(req.Call.Tenant, "-b") {
			return &storage.TurnPage{}, nil
		}
		return nil, fault.New(fault.NotFound, "no such conversation")
	}
	page := &storage.TurnPage{}
	var size storage.PageBytes
	full := false
	for _, t := range c.rows {
		if t.Sequence <= req.After || !req.All && (t.State != storage.Succeeded || t.Retracted && !r.has("reads-retracted")) {
			continue
		}
		if page.More = full || len(page.Turns) == req.Limit; page.More {
			break
		}
		page.Turns = append(page.Turns, t.Turn)
		full = size.Full(t.Size()) && !r.has("page-any-bytes")
	}
	switch n := len(page.Turns); {
	case r.has("stale-reads") && n > 1 && len(c.rows) > 40 && c.running() != nil:
		page.Turns = page.Turns[:n-1]
	case r.has("always-more") && n == req.Limit:
		page.More = true
	case r.has("gaps-while-growing") && len(c.rows) > 15 && len(c.rows) < 60 && n > 1 && req.After > 0:
		page.Turns = page.Turns[1:]
	}
	return page, nil
}

func (r *reference) List(_ context.Context, req *storage.ListRequest) (*storage.ConversationPage, error) {
	r.enter()
	defer r.mu.Unlock()
	if err := checkTenant(req.Call); err != nil {
		return nil, err
	}
	if err := r.checkLimit(req.Limit); err != nil || req.Wrote && req.Call.User == "" {
		return nil, cmp.Or(err, error(fault.New(fault.Invalid, "names no user")))
	}
	var all []*conversation
	for _, c := range r.conversations {
		mine := req.Call.User == "" || c.user == req.Call.User ||
			r.has("user-prefix") && strings.HasPrefix(c.user, req.Call.User) ||
			req.Wrote && c.wrote(req.Call.User) && !r.has("lists-owners")
		if c.tenant == r.tenant(req.Call) && mine && !(r.has("hides-begun") && c.succeeded() == 0) {
			all = append(all, c)
		}
	}
	order := func(a, b string) int { return cmp.Compare(a, b) }
	if r.has("any-case") {
		order = func(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) }
	}
	slices.SortFunc(all, func(a, b *conversation) int { return order(a.id, b.id) })
	page := &storage.ConversationPage{}
	for _, c := range all {
		if order(c.id, req.After) <= 0 {
			continue
		}
		if page.More = len(page.Conversations) == req.Limit; page.More {
			break
		}
		entry := storage.Conversation{
			ID: c.id, User: c.user, Turns: r.live(c), CreatedAt: c.created, UpdatedAt: c.updated,
			Shared: req.Wrote && c.shared() && !r.has("never-shared"), Incarnation: r.incarnationOf(c)}
		if c.branch != nil {
			entry.BranchOf, entry.BranchAt = c.branch.source, c.branch.through
		}
		page.Conversations = append(page.Conversations, entry)
	}
	if r.has("list-skips") && len(all) > 30 && len(page.Conversations) > 1 && req.After != "" {
		page.Conversations = page.Conversations[1:]
	}
	return page, nil
}

func (r *reference) checkLimit(limit int) error {
	if limit < 1 || limit > storage.MaxPage && !r.has("any-limit") {
		return fault.New(fault.Invalid, "bad limit %d", limit).At("limit")
	}
	return nil
}

func (r *reference) checkBegin(req *storage.BeginRequest) error {
	if len(req.Messages) == 0 || len(req.Messages) > sdk.MaxBeginMessages || req.Tail < 0 || req.TailBytes < 0 || req.RetractFrom < 0 || req.Lease <= 0 || req.Holder == "" || req.Owned && req.Call.User == "" {
		return fault.New(fault.Invalid, "out of bounds")
	}
	return checkConversation(req.Call)
}

func checkConversation(call sdk.Call) error {
	if call.Conversation == "" {
		return fault.New(fault.Invalid, "the call names too little: %s", fmt.Sprint(call))
	}
	return checkTenant(call)
}

func checkTenant(call sdk.Call) error {
	if call.Tenant == "" {
		return fault.New(fault.Invalid, "the call names too little: %s", fmt.Sprint(call))
	}
	return nil
}

// withoutMembers returns the JSON object without the named members.
func withoutMembers(object json.RawMessage, names ...string) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return object
	}
	for _, name := range names {
		delete(members, name)
	}
	text, err := json.Marshal(members)
	if err != nil {
		return object
	}
	return text
}
