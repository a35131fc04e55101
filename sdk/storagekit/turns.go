package storagekit

import (
	"slices"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// append adds a turn to the conversation, whose record the caller saves.
func (x *change) append(c *conversation, t *turn) error {
	c.sequence = t.Sequence
	if t.User != "" && t.User != c.user {
		if err := x.tx.Put(key(x.talk(c.cid, 'g'), '-', t.User), []byte{1}); err != nil {
			return err
		}
		if err := x.tx.Put(key(x.prefix, 'g', t.User, c.id), []byte{1}); err != nil {
			return err
		}
	}
	return x.putTurn(c.cid, t)
}

// guests returns the users who wrote in the conversation and do not own it, at most limit of them.
func (v *view) guests(cid string, limit int) (users []string, err error) {
	prefix := append(v.talk(cid, 'g'), '-')
	err = v.entries(prefix, func(k, _ []byte) (bool, error) {
		user, _ := cutText(k[len(prefix):])
		users = append(users, user)
		return len(users) < limit, nil
	})
	return users, err
}

// succeed gives a turn the next number, and makes it one of the conversation's live turns.
func (x *change) succeed(c *conversation, t *turn) error {
	c.number++
	c.live++
	t.Number = c.number
	x.record = liveOf(t).encode(x.record[:0])
	return x.tx.Put(x.turnKey(c.cid, 's', t.Sequence), x.record)
}

// end says that no turn runs in the conversation any more. Those who follow it are behind now.
func (x *change) end(c *conversation) error {
	c.running, c.attempt, c.holder = 0, "", ""
	return x.markBehind(c)
}

// retract takes back the live turns with the number from or a greater one. It returns the greatest
// number among them. It returns fault.Conflict at "retract_from", and changes nothing, if no live turn
// has the number from. It returns fault.Invalid there for more than most turns.
func (x *change) retract(c *conversation, from, by int64, most int) error {
	var sequences []int64
	first, last := int64(0), int64(0)
	prefix := x.talk(c.cid, 's')
	err := x.Scan(prefix, after(prefix), true, func(k, v []byte) (bool, error) {
		l, err := decodeLive(v)
		if err != nil || l.number < from {
			return false, err
		}
		if len(sequences) == most {
			return false, fault.New(fault.Invalid, "more than %d turns would be retracted; take a greater number", most).At("retract_from")
		}
		sequences = append(sequences, lastNumber(k))
		first, last = l.number, max(last, l.number)
		return true, nil
	})
	if err != nil {
		return err
	}
	if first != from {
		return fault.New(fault.Conflict, "no turn of the conversation has the number %d, or it is retracted already", from).At("retract_from")
	}
	for _, sequence := range sequences {
		t, err := x.turn(c.cid, sequence)
		if err != nil {
			return err
		}
		t.Retracted = true
		if err := x.putTurn(c.cid, t); err != nil {
			return err
		}
		if err := x.tx.Delete(x.turnKey(c.cid, 's', sequence)); err != nil {
			return err
		}
	}
	c.live -= int64(len(sequences))
	return x.noteRetraction(c, storage.Retraction{Sequence: by, From: from, To: last})
}

func (x *change) noteRetraction(c *conversation, r storage.Retraction) error {
	e := encoder{}
	e.number(r.From)
	e.number(r.To)
	return x.tx.Put(x.turnKey(c.cid, 'r', r.Sequence), e.b)
}

// retractions returns the retractions by turns after a sequence. Those beyond sdk.MaxRetractions are
// joined with the last one.
func (v *view) retractions(cid string, sequence int64) (all []storage.Retraction, err error) {
	prefix := v.talk(cid, 'r')
	err = v.Scan(v.turnKey(cid, 'r', sequence+1), after(prefix), false, func(k, value []byte) (bool, error) {
		d := decoder{b: value}
		r := storage.Retraction{Sequence: lastNumber(k), From: d.number(), To: d.number()}
		if len(all) < sdk.MaxRetractions {
			all = append(all, r)
		} else {
			last := &all[len(all)-1]
			last.Sequence, last.From, last.To = r.Sequence, min(last.From, r.From), max(last.To, r.To)
		}
		return true, d.err()
	})
	return all, err
}

// tailOthers is how many turns that are not live the function tail passes over, before it reads the
// index of the live turns.
const tailOthers = 8

// tail returns the newest live turns, oldest first, up to the one with which they have n messages. cut
// reports that the bound in bytes left turns out.
func (v *view) tail(cid string, n, bytes int) (tail []storage.Turn, cut bool, err error) {
	if n == 0 {
		return nil, false, nil
	}
	tail = make([]storage.Turn, 0, min(n/2+1, 32)) // most turns have two messages
	room := make([]storage.Message, min(n+1, 64))  // of all turns, in one allocation
	have, left, others := 0, bytes, 0
	prefix := v.talk(cid, 'n')
	err = v.Scan(prefix, after(prefix), true, func(_, value []byte) (bool, error) {
		t, live, err := decodeTailTurn(value, v.call.User, room)
		if err != nil || !live {
			others++
			return others <= tailOthers, err
		}
		if left -= t.TailSize(); left < 0 {
			cut = true
			return false, nil
		}
		room = room[min(len(t.Messages), len(room)):]
		tail = append(tail, t)
		have += len(t.Messages)
		return have < n, nil
	})
	if err == nil && others > tailOthers {
		return v.tailByIndex(cid, n, bytes)
	}
	slices.Reverse(tail)
	return tail, cut, err
}

// tailByIndex is tail for conversations in which many turns are not live.
func (v *view) tailByIndex(cid string, n, bytes int) (tail []storage.Turn, cut bool, err error) {
	sequences := make([]int64, 0, 16)
	have, left := 0, int64(bytes)
	prefix := v.talk(cid, 's')
	err = v.Scan(prefix, after(prefix), true, func(k, value []byte) (bool, error) {
		l, err := decodeLive(value)
		if err != nil || l.messages == 0 {
			return err == nil, err
		}
		if left -= l.size; left < 0 {
			cut = true
			return false, nil
		}
		sequences = append(sequences, lastNumber(k))
		have += int(l.messages)
		return have < n, nil
	})
	if err != nil {
		return nil, false, err
	}
	tail = make([]storage.Turn, len(sequences))
	room := make([]storage.Message, have)
	turnKey := v.talk(cid, 'n')
	for i, sequence := range sequences {
		b, err := v.Get(appendNumber(turnKey, sequence)) // in the array of turnKey
		if err != nil {
			return nil, false, err
		}
		t, _, err := decodeTailTurn(b, v.call.User, room)
		if err != nil {
			return nil, false, err
		}
		room = room[min(len(t.Messages), len(room)):]
		tail[len(tail)-1-i] = t
	}
	return tail, cut, nil
}
