package storagekit

import (
	"context"
	"slices"

	"github.com/botyard/botyard/sdk/storage"
)

// Read implements [storage.Storage].
func (s *Store) Read(ctx context.Context, req *storage.ReadRequest) (page *storage.TurnPage, err error) {
	if err := check(ctx, req.Validate()); err != nil {
		return nil, err
	}
	err = s.view(ctx, req.Call, func(v *view) (err error) {
		page, err = v.read(req)
		return err
	})
	return page, err
}

func (v *view) read(req *storage.ReadRequest) (*storage.TurnPage, error) {
	c, err := v.visible(req.Call.Conversation, req.Owned)
	if err != nil {
		return nil, err
	}
	page := &storage.TurnPage{}
	var size storage.PageBytes
	full := false
	add := func(value []byte) (more bool, err error) {
		if full || len(page.Turns) == req.Limit {
			page.More = true
			return false, nil
		}
		t, err := decodeTurn(value)
		if err != nil {
			return false, err
		}
		page.Turns = append(page.Turns, t.Turn)
		full = size.Full(t.Size())
		return true, nil
	}
	if req.All {
		err = v.Scan(v.turnKey(c.cid, 'n', req.After+1), after(v.talk(c.cid, 'n')), false, func(_, value []byte) (bool, error) { return add(value) })
		return page, err
	}
	turnKey := v.talk(c.cid, 'n')
	err = v.eachLive(c, req.After+1, func(sequence, _ int64) (bool, error) {
		value, err := v.turnRecord(appendNumber(turnKey, sequence)) // in the array of turnKey
		if err != nil {
			return false, err
		}
		return add(value)
	})
	return page, err
}

// List implements [storage.Storage].
func (s *Store) List(ctx context.Context, req *storage.ListRequest) (page *storage.ConversationPage, err error) {
	if err := check(ctx, req.Validate()); err != nil {
		return nil, err
	}
	err = s.view(ctx, req.Call, func(v *view) (err error) {
		page, err = v.list(req)
		return err
	})
	return page, err
}

func (v *view) list(req *storage.ListRequest) (*storage.ConversationPage, error) {
	page := &storage.ConversationPage{}
	if v.ended {
		return page, nil
	}
	var ids []string
	tags := []byte{'c'}
	if req.Call.User != "" {
		tags = []byte{'u'}
	}
	if req.Wrote {
		tags = append(tags, 'g')
	}
	for _, tag := range tags {
		prefix := append(slices.Clone(v.prefix), tag)
		if tag != 'c' {
			prefix = key(v.prefix, tag, req.Call.User)
		}
		found := 0
		err := v.Scan(appendText(slices.Clone(prefix), req.After), after(prefix), false, func(k, _ []byte) (bool, error) {
			id, _ := cutText(k[len(prefix):])
			if id != req.After {
				ids = append(ids, id)
				found++
			}
			return found <= req.Limit, nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	page.More = len(ids) > req.Limit
	for _, id := range ids[:min(len(ids), req.Limit)] {
		c, err := v.conversation(id)
		if err != nil {
			return nil, err
		}
		e := c.entry()
		if req.Wrote {
			guests, err := v.guests(c.cid, 1)
			if err != nil {
				return nil, err
			}
			e.Shared = len(guests) > 0
		}
		page.Conversations = append(page.Conversations, e)
	}
	return page, nil
}
