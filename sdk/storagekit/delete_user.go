package storagekit

import (
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

// deleteUser unlinks the user's conversations in which no other user wrote, and empties the user's
// turns in all others. It returns how many turns it has emptied.
func (x *change) deleteUser(scope storage.Scope, now time.Time) (emptied int64, err error) {
	user := scope.Call.User
	var ids []string
	for _, tag := range []byte{'u', 'g'} {
		prefix := key(x.prefix, tag, user)
		err := x.entries(prefix, func(k, _ []byte) (bool, error) {
			id, _ := cutText(k[len(prefix):])
			ids = append(ids, id)
			return true, nil
		})
		if err != nil {
			return 0, err
		}
	}
	for _, id := range ids {
		c, err := x.conversation(id)
		if err != nil {
			return 0, err
		}
		guests, err := x.guests(c.cid, 1)
		if err != nil {
			return 0, err
		}
		if c.user == user && len(guests) == 0 {
			if _, err := x.unlinkUnlessSpared(c, scope.Before, now); err != nil {
				return 0, err
			}
			continue
		}
		spared, err := x.spared(c, scope.Before, now)
		if err != nil {
			return 0, err
		}
		if !spared {
			n, err := x.empty(c, user, now)
			if err != nil {
				return 0, err
			}
			emptied += n
		}
	}
	return emptied, nil
}

// empty empties the user's turns in a conversation in which others wrote too. If the user owns the
// conversation, it belongs to the tenant afterwards.
func (x *change) empty(c *conversation, user string, now time.Time) (emptied int64, err error) {
	var turns []*turn
	err = x.entries(x.talk(c.cid, 'n'), func(_, value []byte) (bool, error) {
		t, err := decodeTurn(value)
		if err == nil && t.User == user {
			turns = append(turns, t)
		}
		return err == nil, err
	})
	if err != nil {
		return 0, err
	}
	for _, t := range turns {
		if err := x.emptyTurn(c, t, now); err != nil {
			return 0, err
		}
	}
	for _, k := range [][]byte{
		key(x.talk(c.cid, 'g'), '-', user), key(x.prefix, 'g', user, c.id), key(x.prefix, 'u', user, c.id),
	} {
		if err := x.tx.Delete(k); err != nil {
			return 0, err
		}
	}
	if c.user == user {
		c.user = ""
	}
	if err := x.forgetUser(c, user); err != nil {
		return 0, err
	}
	return int64(len(turns)), x.save(c)
}

func (x *change) emptyTurn(c *conversation, t *turn, now time.Time) error {
	if t.Key != "" {
		if err := x.dropUse(c, t.Key, t.Sequence); err != nil {
			return err
		}
	}
	if t.Sequence == c.running {
		if err := x.end(c); err != nil {
			return err
		}
	}
	return x.putTurn(c.cid, &turn{Turn: t.Emptied(now)})
}
