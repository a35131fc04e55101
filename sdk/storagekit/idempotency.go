package storagekit

import (
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// expiredAtOnce is how many expired keys the start of a turn with a key deletes.
const expiredAtOnce = 16

// useOf returns the record of an idempotency key. known reports whether a turn was started with the key
// within storage.KeyTTL.
func (v *view) useOf(c *conversation, name string, now time.Time) (u use, known bool, err error) {
	if name == "" {
		return u, false, nil
	}
	b, err := v.Get(key(v.talk(c.cid, 'k'), '-', name))
	if b == nil || err != nil {
		return u, false, err
	}
	u, err = decodeUse(b)
	return u, err == nil && now.Sub(u.at) < storage.KeyTTL, err
}

// noteUse notes that a turn was started with the key, and deletes some keys that have expired.
func (x *change) noteUse(c *conversation, name string, u use) error {
	if name == "" {
		return nil
	}
	prefix := x.talk(c.cid, 'o')
	type entry struct{ key, name []byte }
	var expired []entry
	err := x.Scan(prefix, appendNumber(prefix[:len(prefix):len(prefix)], u.at.Add(-storage.KeyTTL).UnixNano()), false, func(k, v []byte) (bool, error) {
		expired = append(expired, entry{k, v})
		return len(expired) < expiredAtOnce, nil
	})
	if err != nil {
		return err
	}
	for _, e := range expired {
		if err := x.tx.Delete(e.key); err != nil {
			return err
		}
		if err := x.dropUse(c, string(e.name), lastNumber(e.key)); err != nil {
			return err
		}
	}
	order := appendNumber(appendNumber(prefix, u.at.UnixNano()), u.sequence)
	if err := x.tx.Put(order, []byte(name)); err != nil {
		return err
	}
	return x.tx.Put(key(x.talk(c.cid, 'k'), '-', name), u.encode())
}

// dropUse deletes the record of a key if the turn with the sequence is the newest one with the key.
func (x *change) dropUse(c *conversation, name string, sequence int64) error {
	k := key(x.talk(c.cid, 'k'), '-', name)
	b, err := x.Get(k)
	if b == nil || err != nil {
		return err
	}
	if u, err := decodeUse(b); err != nil || u.sequence != sequence {
		return err
	}
	return x.tx.Delete(k)
}
