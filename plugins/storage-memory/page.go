package memstore

import (
	"context"
	"sort"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Read implements [storage.Storage].
func (s *Store) Read(ctx context.Context, req *storage.ReadRequest) (*storage.TurnPage, error) {
	if err := checkConversation(ctx, req.Call); err != nil {
		return nil, err
	}
	if err := checkLimit(req.Limit); err != nil {
		return nil, err
	}
	if req.After < 0 {
		return nil, fault.New(fault.Invalid, "a sequence cannot be negative").At("after")
	}
	missing := fault.New(fault.NotFound, "there is no such conversation")
	t := s.lookup(req.Call)
	if t == nil {
		return nil, missing
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	c := t.conversations[req.Call.Conversation]
	if c == nil || t.gone {
		return nil, missing
	}
	turns := c.succeeded
	if req.All {
		turns = c.turns
	}
	turns = turns[sort.Search(len(turns), func(i int) bool { return turns[i].Sequence > req.After }):]
	page := &storage.TurnPage{More: len(turns) > req.Limit}
	turns = turns[:min(len(turns), req.Limit)]
	page.Turns = make([]storage.Turn, len(turns))
	for i, t := range turns {
		page.Turns[i] = t.view()
	}
	return page, nil
}

// List implements [storage.Storage].
func (s *Store) List(ctx context.Context, req *storage.ListRequest) (*storage.ConversationPage, error) {
	if err := checkTenant(ctx, req.Call); err != nil {
		return nil, err
	}
	if err := checkLimit(req.Limit); err != nil {
		return nil, err
	}
	page := &storage.ConversationPage{}
	t := s.lookup(req.Call)
	if t == nil {
		return page, nil
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.gone {
		return page, nil
	}
	t.after(req.Call.User, req.After, func(c *conversation) bool {
		if page.More = len(page.Conversations) == req.Limit; page.More {
			return false
		}
		page.Conversations = append(page.Conversations, c.entry())
		return true
	})
	return page, nil
}

func checkLimit(limit int) error {
	if limit < 1 || limit > storage.MaxPage {
		return fault.New(fault.Invalid, "a page has 1 to %d entries", storage.MaxPage).At("limit")
	}
	return nil
}

func checkConversation(ctx context.Context, call sdk.Call) error {
	if call.Conversation == "" {
		return fault.New(fault.Invalid, "the call names no conversation").At("conversation")
	}
	return checkTenant(ctx, call)
}

// checkTenant also refuses calls whose caller is gone, before they change anything.
func checkTenant(ctx context.Context, call sdk.Call) error {
	if err := ctx.Err(); err != nil {
		return fault.Of(err)
	}
	if call.Tenant == "" {
		return fault.New(fault.Invalid, "the call names no tenant").At("tenant")
	}
	return nil
}
