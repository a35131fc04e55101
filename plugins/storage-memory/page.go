package memstore

import (
	"context"
	"sort"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Read implements [storage.Storage].
func (s *Store) Read(ctx context.Context, req *storage.ReadRequest) (*storage.TurnPage, error) {
	if err := check(ctx, req.Validate()); err != nil {
		return nil, err
	}
	t := s.lookup(req.Call)
	if t == nil {
		return nil, notFound()
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	c := t.conversations[req.Call.Conversation]
	if t.gone || !c.visibleTo(req.Call, req.Owned) {
		return nil, notFound()
	}
	turns := c.succeeded
	if req.All {
		turns = c.turns
	}
	turns = turns[sort.Search(len(turns), func(i int) bool { return turns[i].Sequence > req.After }):]
	page := &storage.TurnPage{Turns: make([]storage.Turn, 0, min(len(turns), req.Limit))}
	var size storage.PageBytes
	for _, t := range turns[:min(len(turns), req.Limit)] {
		page.Turns = append(page.Turns, t.view())
		if size.Full(t.Size()) {
			break
		}
	}
	page.More = len(turns) > len(page.Turns)
	return page, nil
}

// List implements [storage.Storage].
func (s *Store) List(ctx context.Context, req *storage.ListRequest) (*storage.ConversationPage, error) {
	if err := check(ctx, req.Validate()); err != nil {
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
	add := func(c *conversation) bool {
		if page.More = len(page.Conversations) == req.Limit; page.More {
			return false
		}
		e := s.entry(c)
		e.Shared = req.Wrote && len(c.guests) > 0
		page.Conversations = append(page.Conversations, e)
		return true
	}
	if req.Wrote {
		t.writtenAfter(req.Call.User, req.After, req.Limit, add)
	} else {
		t.after(req.Call.User, req.After, add)
	}
	return page, nil
}

func notFound() error { return fault.New(fault.NotFound, "there is no such conversation") }

// check returns the context's error, or else the validation error of the request. Every call starts
// with check, so that a canceled call changes nothing.
func check(ctx context.Context, wrong error) error {
	if err := ctx.Err(); err != nil {
		return fault.Of(err)
	}
	return wrong
}
