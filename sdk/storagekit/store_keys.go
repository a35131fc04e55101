package storagekit

import (
	"slices"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// dropStep is how many keys one transaction deletes at most while it drops the cursors of a store key.
const dropStep = 1000

// storeKey is a store key of which the storage has cursors.
type storeKey struct {
	name string
	// order is greater for store keys that were claimed later. It is 0 while the cursors of the store key
	// are dropped.
	order int64
}

func (v *view) orderedStoreKeys() ([]storeKey, error) {
	if !v.followed {
		return nil, nil
	}
	var all []storeKey
	prefix := key(nil, 'K', v.call.Incarnation)
	err := v.entries(prefix, func(k, value []byte) (bool, error) {
		name, _ := cutText(k[len(prefix):])
		d := decoder{b: value}
		all = append(all, storeKey{name, d.number()})
		return true, d.err()
	})
	return all, err
}

// storeKeys returns the names of the store keys that have cursors.
func (v *view) storeKeys() (names []string, err error) {
	all, err := v.orderedStoreKeys()
	for _, s := range all {
		names = append(names, s.name)
	}
	return names, err
}

// putStoreKey writes the record of a store key.
func (x *change) putStoreKey(s storeKey) error {
	e := encoder{}
	e.number(s.order)
	return x.tx.Put(key(nil, 'K', x.call.Incarnation, s.name), e.b)
}

// know notes that the store key of the claim was claimed last. If the store key is new and the tenant
// has sdk.MaxStoreKeys others, know drops the cursors of one of them. It does so in steps: it then sets
// c.again, and the next transaction goes on. For a new store key it notes that all conversations are
// behind. A claim of kind ClaimForget adds a new store key only if cursors of the tenant were dropped
// before.
func (c *claim) know() error {
	lost, err := c.Get(key(nil, 'L', c.view.call.Incarnation))
	if err != nil || c.ended {
		return err
	}
	all, err := c.orderedStoreKeys()
	if err != nil {
		return err
	}
	own, last, dropped := storeKey{name: c.StoreKey}, int64(0), ""
	for _, s := range all {
		last = max(last, s.order)
		switch {
		case s.order == 0:
			dropped = s.name
		case s.name == own.name:
			own = s
		}
	}
	switch {
	case own.order > 0 && own.order == last:
		return nil
	case own.order > 0:
		own.order = last + 1
		return c.putStoreKey(own)
	case c.Kind == storage.ClaimForget && lost == nil:
		return nil
	case dropped != "":
		c.again = true
		return c.dropSome(dropped)
	case len(all) >= sdk.MaxStoreKeys:
		c.again = true
		return c.beginDrop(all)
	}
	if lost != nil {
		if err := c.tx.Put(forgetKey(sdk.Call{Incarnation: c.view.call.Incarnation}, own.name, "", ""), (&cursor{}).encode()); err != nil {
			return err
		}
	}
	if !c.followed {
		c.followed = true
		if err := c.tx.Put(c.generationKey(), c.generation.encode()); err != nil {
			return err
		}
	}
	own.order = last + 1
	if err := c.putStoreKey(own); err != nil {
		return err
	}
	return c.allBehind()
}

// allBehind notes that all conversations with an ended turn are behind the store key.
func (c *claim) allBehind() error {
	var all []*conversation
	err := c.entries(append(slices.Clone(c.prefix), 'c'), func(_, value []byte) (bool, error) {
		talk, err := decodeConversation(value)
		all = append(all, talk)
		return err == nil, err
	})
	for _, talk := range all {
		if err == nil && talk.ended() > 0 {
			err = c.tx.Put(key(c.prefix, 'b', c.StoreKey, talk.cid), []byte(talk.id))
		}
	}
	return err
}

// beginDrop chooses the store key whose cursors are dropped: of those of which nobody holds a cursor,
// the one that was claimed least recently. It returns fault.Conflict if somebody holds a cursor of each
// store key.
func (c *claim) beginDrop(all []storeKey) error {
	slices.SortFunc(all, func(a, b storeKey) int { return int(a.order - b.order) })
	for _, s := range all {
		held, err := c.storeKeyHeld(s.name)
		if err != nil {
			return err
		}
		if held {
			continue
		}
		s.order = 0
		if err := c.tx.Put(key(nil, 'L', c.view.call.Incarnation), []byte{1}); err != nil {
			return err
		}
		return c.putStoreKey(s)
	}
	return fault.New(fault.Conflict, "others hold cursors of all %d store keys that the tenant may have", sdk.MaxStoreKeys).
		At("store_key").After(time.Second)
}

// storePrefixes returns the prefixes of all keys that belong to a store key, except the key of its
// record. The first one is that of the conversations that are behind.
func (v *view) storePrefixes(store string) [][]byte {
	return [][]byte{key(v.prefix, 'b', store), key(v.prefix, 'q', store), key(nil, 'F', v.call.Incarnation, store), key(nil, 'W', v.call.Incarnation, store)}
}

// storeKeyHeld reports whether somebody holds a cursor of the store key.
func (c *claim) storeKeyHeld(store string) (held bool, err error) {
	for _, prefix := range c.storePrefixes(store)[1:] {
		if held || err != nil {
			break
		}
		err = c.entries(prefix, func(_, value []byte) (bool, error) {
			at, err := decodeCursor(value)
			held = err == nil && at.until.After(c.now)
			return !held, err
		})
	}
	return held, err
}

// dropSome deletes at most dropStep keys of the store key. When nothing else is left, it deletes the
// record of the store key.
func (c *claim) dropSome(store string) error {
	var keys [][]byte
	for _, prefix := range c.storePrefixes(store) {
		err := c.entries(prefix, func(k, _ []byte) (bool, error) {
			keys = append(keys, k)
			return len(keys) < dropStep, nil
		})
		if err != nil {
			return err
		}
		if len(keys) >= dropStep {
			break
		}
	}
	if len(keys) < dropStep {
		keys = append(keys, key(nil, 'K', c.view.call.Incarnation, store))
	}
	for _, k := range keys {
		if err := c.tx.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
