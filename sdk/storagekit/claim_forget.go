package storagekit

import (
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
)

// forgetKey returns the key of what must be forgotten: of a conversation incarnation, of a user in it,
// or of the tenant if there is no conversation.
func forgetKey(call sdk.Call, store, cid, user string) []byte {
	return key(nil, 'F', call.Incarnation, store, call.Conversation, cid, user)
}

// forgetConversation makes the cursors of a conversation ones to be forgotten. They stay held.
func (x *change) forgetConversation(c *conversation) error {
	stores, err := x.storeKeys()
	if err != nil {
		return err
	}
	call := x.call
	call.Conversation = c.id
	for _, store := range stores {
		at, err := x.cursor(store, c.cid)
		if err != nil {
			return err
		}
		for _, k := range [][]byte{key(x.prefix, 'b', store, c.cid), key(x.prefix, 'q', store, c.cid)} {
			if err := x.tx.Delete(k); err != nil {
				return err
			}
		}
		if at == nil {
			continue
		}
		// What was to be forgotten of users goes with the conversation.
		prefix := key(nil, 'F', call.Incarnation, store, c.id, c.cid)
		var users [][]byte
		err = x.entries(prefix, func(k, _ []byte) (bool, error) {
			users = append(users, k)
			return true, nil
		})
		for _, k := range users {
			if err == nil {
				err = x.tx.Delete(k)
			}
		}
		if err == nil {
			err = x.tx.Put(forgetKey(call, store, c.cid, ""), at.encode())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forgetUser adds that what a user wrote in the conversation must be forgotten, for each cursor of the
// conversation.
func (x *change) forgetUser(c *conversation, user string) error {
	stores, err := x.storeKeys()
	if err != nil {
		return err
	}
	call := x.call
	call.Conversation = c.id
	for _, store := range stores {
		at, err := x.cursor(store, c.cid)
		if err != nil {
			return err
		}
		if at != nil {
			if err := x.tx.Put(forgetKey(call, store, c.cid, user), (&cursor{conversation: c.id}).encode()); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetTenant makes all cursors of each store key a single one to be forgotten. It stays held as long
// as the last of them.
func (x *change) forgetTenant() error {
	stores, err := x.storeKeys()
	if err != nil {
		return err
	}
	call := x.call
	call.Conversation = ""
	for _, store := range stores {
		all := &cursor{}
		note := func(_, value []byte) (bool, error) {
			at, err := decodeCursor(value)
			if err == nil && at.until.After(all.until) {
				all.holder, all.until = at.holder, at.until
			}
			return err == nil, err
		}
		old := key(nil, 'F', call.Incarnation, store)
		var keys [][]byte
		if err = x.entries(key(x.prefix, 'q', store), note); err == nil {
			err = x.entries(old, func(k, value []byte) (bool, error) {
				keys = append(keys, k)
				return note(k, value)
			})
		}
		keys = append(keys, key(nil, 'K', call.Incarnation, store), key(nil, 'W', call.Incarnation, store))
		for _, k := range keys {
			if err == nil {
				err = x.tx.Delete(k)
			}
		}
		if err == nil {
			err = x.tx.Put(forgetKey(call, store, "", ""), all.encode())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forgets claims what must be forgotten. everything says that all data of the tenant must be forgotten.
// forgets then claims what must be forgotten of every conversation, and not only of the call's
// conversation.
func (c *claim) forgets(everything bool) error {
	call := c.view.call
	prefix := key(nil, 'F', call.Incarnation, c.StoreKey)
	if call.Conversation != "" && !everything {
		prefix = appendText(prefix, call.Conversation)
	}
	type entry struct {
		key []byte
		at  *cursor
	}
	var taken []entry
	err := c.entries(prefix, func(k, value []byte) (bool, error) {
		at, err := decodeCursor(value)
		if err != nil || c.full() {
			return false, err
		}
		_, rest := cutText(k[1:])
		_, rest = cutText(rest)
		f := storage.Claimed{Forget: true, Sequence: at.sequence, Data: at.data}
		f.Conversation, rest = cutText(rest)
		f.Incarnation, rest = cutText(rest)
		f.User, _ = cutText(rest)
		held := at.heldByOther(c.Holder, c.now)
		if f.User != "" && !held {
			of, err := c.cursor(c.StoreKey, f.Incarnation)
			if err != nil {
				return false, err
			}
			held = of != nil && of.heldByOther(c.Holder, c.now)
		}
		if held {
			c.result.Held = true
			return true, nil
		}
		c.result.Claimed = append(c.result.Claimed, f)
		at.holder, at.until = c.Holder, leaseEnd(c.now, c.Lease)
		taken = append(taken, entry{k, at})
		return true, nil
	})
	for _, e := range taken {
		if err == nil {
			err = c.tx.Put(e.key, e.at.encode())
		}
	}
	return err
}

// forgotten removes what was to be forgotten and was.
func (x *change) forgotten(req *storage.AdvanceRequest) error {
	k := forgetKey(req.Call, req.StoreKey, req.Incarnation, req.User)
	b, err := x.Get(k)
	if b == nil || err != nil {
		return err
	}
	at, err := decodeCursor(b)
	if err != nil {
		return err
	}
	if at.holder != req.Holder {
		return lost()
	}
	return x.tx.Delete(k)
}
