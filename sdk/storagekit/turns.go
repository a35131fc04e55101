package storagekit

import (
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// append adds a turn to the conversation. The caller saves the record of the conversation.
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
	t.Number = c.number
	return x.addLive(c, t)
}

// end notes that no turn runs in the conversation. Cursors of the conversation may then be behind.
func (x *change) end(c *conversation) error {
	c.running, c.attempt, c.holder = 0, "", ""
	return x.markBehind(c)
}

// retract takes back the live turns with the number from or a greater one, and notes that the turn by did.
// It returns fault.Conflict at "retract_from", and changes nothing, if no live turn has the number from. It
// returns fault.Invalid there for more than most turns.
func (x *change) retract(c *conversation, from, by int64, most int) error {
	runs, turns, err := x.runsSince(c, from, int64(most))
	if err != nil {
		return err
	}
	if turns > int64(most) {
		return fault.New(fault.Invalid, "more than %d turns would be retracted; take a greater number", most).At("retract_from")
	}
	if turns == 0 || runs[len(runs)-1].number > from {
		return fault.New(fault.Conflict, "no turn of the conversation has the number %d, or it is retracted already", from).At("retract_from")
	}
	first := runs[len(runs)-1].sequenceOf(from)
	for _, r := range runs {
		for sequence := max(r.first, first); sequence <= r.last; sequence++ {
			t, err := x.turn(c.cid, sequence)
			if err != nil {
				return err
			}
			t.Retracted = true
			if err := x.putTurn(c.cid, t); err != nil {
				return err
			}
		}
	}
	if err := x.dropLive(c, runs, first); err != nil {
		return err
	}
	return x.noteRetraction(c, storage.Retraction{Sequence: by, From: from, To: runs[0].numberOf(runs[0].last)})
}

func (x *change) noteRetraction(c *conversation, r storage.Retraction) error {
	e := encoder{}
	e.number(r.From)
	e.number(r.To)
	return x.tx.Put(x.turnKey(c.cid, 'r', r.Sequence), e.b)
}

// retractions returns the retractions by turns after a sequence. It joins those beyond
// sdk.MaxRetractions with the last one before them.
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

// tail returns the newest live turns that have messages, oldest first, up to the one with which they have
// n messages. cut reports that the bound in bytes left turns out.
func (v *view) tail(c *conversation, n, bytes int) (tail []storage.Turn, cut bool, err error) {
	if n == 0 {
		return nil, false, nil
	}
	room := make([]storage.Message, min(n+1, 64)) // of all turns, in one allocation
	tail = make([]storage.Turn, min(n/2+1, 32))   // most turns have two messages
	first := len(tail)                            // of the tail, which grows to the front
	turnKey := v.talk(c.cid, 'n')
	for before := c.sequence + 1; n > 0; {
		r, err := v.runBefore(c, before)
		if err != nil {
			return nil, false, err
		}
		if r.empty() {
			break
		}
		for sequence := r.last; sequence >= r.first && n > 0; sequence-- {
			b, err := v.turnRecord(appendNumber(turnKey, sequence)) // in the array of turnKey
			if err != nil {
				return nil, false, err
			}
			if first == 0 {
				first = len(tail)
				tail = append(make([]storage.Turn, first, 2*first), tail...)
			}
			t := &tail[first-1]
			if err := decodeTailTurn(t, b, v.call.User, room); err != nil {
				return nil, false, err
			}
			if len(t.Messages) == 0 {
				continue // its user was deleted
			}
			if bytes -= t.TailSize(); bytes < 0 {
				return tail[first:], true, nil
			}
			first--
			room = room[min(len(t.Messages), len(room)):]
			n -= len(t.Messages)
		}
		before = r.first
	}
	return tail[first:], false, nil
}
