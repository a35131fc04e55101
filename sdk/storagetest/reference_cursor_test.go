package storagetest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// cursor is a cursor of the reference. Without a conversation it is that of work, or one to forget
// a tenant.
type cursor struct {
	store, tenant, conversation, incarnation string
	forget                                   bool
	user                                     string // with forget: whose turns were emptied
	sequence                                 int64
	data                                     []byte
	holder                                   string
	until                                    time.Time
}

func (c *cursor) heldByOther(holder string) bool {
	return c.holder != holder && c.until.After(time.Now())
}

var _ storage.CursorStore = (*reference)(nil)

// ended returns the greatest sequence up to which all turns have ended.
func (c *conversation) ended() (n int64) {
	for _, t := range c.rows {
		if t.State != storage.Running {
			n = t.Sequence
		}
	}
	return n
}

// cursorOf returns the cursor of the store key in the conversation, or nil.
func (r *reference) cursorOf(store string, c *conversation) *cursor {
	for _, at := range r.cursors {
		mine := at.store == store || r.has("one-store-key")
		if mine && at.tenant == c.tenant && at.conversation == c.id && at.incarnation == r.incarnationOf(c) && !at.forget {
			return at
		}
	}
	return nil
}

func (r *reference) Claim(_ context.Context, req *storage.ClaimRequest) (*storage.ClaimResult, error) {
	r.enter()
	defer r.mu.Unlock()
	if err := req.Validate(); err != nil && !r.has("any-claim") {
		return nil, err
	}
	res := &storage.ClaimResult{}
	take := func(at *cursor, of *conversation) {
		held := at.heldByOther(req.Holder) && !r.has("claims-twice")
		if r.has("claims-forever") && at.holder != req.Holder && at.holder != "" {
			held = true
		}
		if at.forget && at.user != "" && !r.has("forgets-user-early") {
			for _, other := range r.cursors {
				held = held || other.store == at.store && other.tenant == at.tenant && other.incarnation == at.incarnation && !other.forget && other.heldByOther(req.Holder)
			}
		}
		switch {
		case held:
			res.Held = true
			return
		case len(res.Claimed) >= req.Limit:
			res.More = !r.has("claims-no-more")
			return
		}
		if r.has("claims-race") {
			r.pause(time.Microsecond)
		}
		until := time.Now().Add(req.Lease)
		if !(r.has("claim-keeps-lease") && at.holder == req.Holder) {
			at.until = until
		}
		at.holder = req.Holder
		claimed := storage.Claimed{Conversation: at.conversation, Incarnation: at.incarnation, Forget: at.forget, User: at.user, Sequence: at.sequence, Data: at.data}
		if of != nil {
			claimed.User = of.user
		}
		res.Claimed = append(res.Claimed, claimed)
	}
	tenant := r.tenant(req.Call)
	if err := r.know(tenant, req); err != nil {
		return nil, err
	}
	everything := slices.ContainsFunc(r.cursors, func(at *cursor) bool {
		return at.forget && at.store == req.StoreKey && at.tenant == tenant && at.conversation == "" && !r.has("claims-before-forgotten")
	})
	if req.Kind == storage.ClaimWork {
		if res.Held = everything; everything {
			return res, nil
		}
		take(r.workCursor(tenant, req.StoreKey), nil)
		return res, nil
	}
	for _, at := range r.cursors {
		if at.forget && at.store == req.StoreKey && at.tenant == tenant && (everything || req.Call.Conversation == "" || req.Call.Conversation == at.conversation) {
			take(at, nil)
		}
	}
	if req.Kind == storage.ClaimForget || r.dead[tenant] || everything {
		return res, nil
	}
	var all []*conversation
	for _, c := range r.conversations {
		if c.tenant == tenant && (req.Call.Conversation == "" || req.Call.Conversation == c.id) {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *conversation) int { return cmp.Compare(a.id, b.id) })
	for _, c := range all {
		at := r.cursorOf(req.StoreKey, c)
		behind := c.ended()
		if r.has("claims-running") {
			behind = int64(len(c.rows))
		}
		if at != nil && behind <= at.sequence || behind == 0 {
			continue
		}
		if at == nil {
			at = &cursor{store: req.StoreKey, tenant: tenant, conversation: c.id, incarnation: r.incarnationOf(c)}
			r.cursors = append(r.cursors, at)
		}
		take(at, c)
	}
	return res, nil
}

// know notes that the store key was claimed last. It makes room for a new one.
func (r *reference) know(tenant string, req *storage.ClaimRequest) error {
	keys := r.storeKeys[tenant]
	i := slices.Index(keys, req.StoreKey)
	switch {
	case r.dead[tenant], i < 0 && req.Kind == storage.ClaimForget && !r.lostKeys[tenant]:
		return nil
	case i >= 0 && !r.has("drops-first-store-key"):
		r.storeKeys[tenant] = append(slices.Delete(keys, i, i+1), req.StoreKey)
		return nil
	case i >= 0:
		return nil
	}
	if len(keys) >= sdk.MaxStoreKeys && !r.has("keeps-all-store-keys") {
		i := slices.IndexFunc(keys, func(store string) bool {
			return !slices.ContainsFunc(r.cursors, func(at *cursor) bool {
				return at.store == store && at.tenant == tenant && at.until.After(time.Now()) && !r.has("drops-held-store-key")
			})
		})
		if i < 0 {
			return fault.New(fault.Conflict, "all store keys are in use")
		}
		gone := keys[i]
		keys = slices.Delete(keys, i, i+1)
		r.cursors = slices.DeleteFunc(r.cursors, func(at *cursor) bool { return at.store == gone && at.tenant == tenant })
		r.lostKeys[tenant] = true
	}
	r.storeKeys[tenant] = append(keys, req.StoreKey)
	if r.lostKeys[tenant] && !r.has("dropped-begins-clean") {
		r.cursors = append(r.cursors, &cursor{store: req.StoreKey, tenant: tenant, forget: true})
	}
	return nil
}

// workCursor returns the work cursor of the store key, and makes it if there is none.
func (r *reference) workCursor(tenant, store string) *cursor {
	for _, at := range r.cursors {
		mine := at.tenant == tenant || r.has("work-across-tenants")
		if at.store == store && mine && at.conversation == "" && !at.forget {
			return at
		}
	}
	at := &cursor{store: store, tenant: tenant}
	r.cursors = append(r.cursors, at)
	return at
}

func (r *reference) Advance(_ context.Context, req *storage.AdvanceRequest) error {
	r.enter()
	defer r.mu.Unlock()
	if err := req.Validate(); err != nil && !r.has("any-claim") {
		return err
	}
	call := req.Call
	tenant := r.tenant(call)
	if !req.Forgotten && call.Conversation != "" && r.conversationOf(call, req.Incarnation) == nil && !r.has("advances-deleted") {
		return fault.New(fault.NotFound, "the conversation was deleted")
	}
	i := slices.IndexFunc(r.cursors, func(at *cursor) bool {
		return at.store == req.StoreKey && at.tenant == tenant && at.conversation == call.Conversation && at.incarnation == req.Incarnation &&
			(at.forget == req.Forgotten || r.has("advances-deleted")) && (!req.Forgotten || at.user == req.User)
	})
	switch {
	case i < 0 && req.Forgotten && !r.has("forgets-once"):
		return nil
	case i < 0, r.cursors[i].holder != req.Holder && !r.has("advances-for-all"):
		return fault.New(fault.Conflict, "another has the claim")
	}
	at := r.cursors[i]
	if req.Forgotten {
		r.cursors = slices.Delete(r.cursors, i, i+1)
		return nil
	}
	if req.Sequence >= at.sequence || r.has("advances-back") {
		at.sequence, at.data = req.Sequence, req.Data
	}
	if r.has("drops-cursor-data") {
		at.data = nil
	}
	if at.until = time.Now().Add(req.Lease); req.Lease == 0 {
		at.until = time.Time{}
	}
	return nil
}

// forgetConversation makes the cursors of a deleted conversation ones to be forgotten.
func (r *reference) forgetConversation(c *conversation) {
	r.cursors = slices.DeleteFunc(r.cursors, func(at *cursor) bool {
		if at.tenant != c.tenant || at.conversation != c.id || at.incarnation != r.incarnationOf(c) {
			return false
		}
		if at.forget = true; r.has("forget-is-free") {
			at.until = time.Time{}
		}
		return r.has("forgets-to-forget") || at.user != ""
	})
}

// forgetUser adds that what the user wrote in the conversation must be forgotten.
func (r *reference) forgetUser(c *conversation, user string) {
	if r.has("no-forget-of-users") {
		return
	}
	for _, at := range slices.Clone(r.cursors) {
		if at.tenant != c.tenant || at.conversation != c.id || at.incarnation != r.incarnationOf(c) || at.forget {
			continue
		}
		fresh := cursor{store: at.store, tenant: at.tenant, conversation: at.conversation, incarnation: at.incarnation, forget: true, user: user}
		known := slices.IndexFunc(r.cursors, func(o *cursor) bool {
			return o.forget && o.user == user && o.store == at.store && o.tenant == at.tenant && o.incarnation == at.incarnation
		})
		if known < 0 {
			r.cursors = append(r.cursors, &fresh)
		}
	}
}

// forgetTenant makes all cursors of each store key a single one to be forgotten, held as long as the
// last of them.
func (r *reference) forgetTenant(call sdk.Call) {
	tenant := r.tenant(call)
	delete(r.storeKeys, tenant)
	if r.has("no-forget-of-tenants") {
		return
	}
	one := map[string]*cursor{}
	r.cursors = slices.DeleteFunc(r.cursors, func(at *cursor) bool {
		if at.tenant != tenant {
			return false
		}
		all := one[at.store]
		if all == nil {
			all = &cursor{store: at.store, tenant: tenant, forget: true}
			one[at.store] = all
		}
		if at.until.After(all.until) && !r.has("forgets-tenant-early") {
			all.holder, all.until = at.holder, at.until
		}
		return true
	})
	for _, at := range one {
		r.cursors = append(r.cursors, at)
	}
}
