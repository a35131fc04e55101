package storagekit

// run is a run of live turns: the turns that have succeeded and are not retracted. All turns with the
// sequences from first to last are live, and their numbers follow one another, because each turn that
// succeeds gets the next number. The zero value is the run without turns.
//
// Nearly all turns of a conversation are live. So it has few runs, and a turn that succeeds usually makes
// its newest run longer. That one is the open run. It is in the conversation's record, which each turn
// writes anyway. The others are closed, and have a key each. If the open run has no turns, the newest
// live turn is in a closed one.
type run struct {
	first, last int64 // the sequences of the first and the last turn
	number      int64 // of the first turn
}

func (r run) empty() bool { return r.first == 0 }

// turns returns how many turns the run has.
func (r run) turns() int64 {
	if r.empty() {
		return 0
	}
	return r.last + 1 - r.first
}

// numberOf returns the number of a turn of the run.
func (r run) numberOf(sequence int64) int64 { return r.number + sequence - r.first }

// sequenceOf returns the sequence of the turn of the run that has the number.
func (r run) sequenceOf(number int64) int64 { return r.first + number - r.number }

// until returns the turns of the run before a sequence.
func (r run) until(sequence int64) run {
	if sequence <= r.first {
		return run{}
	}
	r.last = min(r.last, sequence-1)
	return r
}

func (r run) encode(e *encoder) {
	e.number(r.first)
	e.number(r.last)
	e.number(r.number)
}

func (r *run) decode(d *decoder) { *r = run{first: d.number(), last: d.number(), number: d.number()} }

// take sets r to the run with the value, and ends the Scan that has found it.
func (r *run) take(_, value []byte) (more bool, err error) {
	d := decoder{b: value}
	r.decode(&d)
	return false, d.err()
}

// runKey returns the key of a closed run. Those that end from a sequence on are then next to one another.
func (v *view) runKey(cid string, r run) []byte { return v.turnKey(cid, 's', r.last) }

// runFrom returns the oldest run that ends with the sequence or a later one, or the run without turns.
func (v *view) runFrom(c *conversation, sequence int64) (run, error) {
	if c.open.first <= sequence && !c.open.empty() || c.live == c.open.turns() {
		return c.open.ifEndsFrom(sequence), nil
	}
	var r run
	err := v.Scan(v.turnKey(c.cid, 's', sequence), after(v.talk(c.cid, 's')), false, r.take)
	if err == nil && r.empty() {
		r = c.open.ifEndsFrom(sequence)
	}
	return r, err
}

// ifEndsFrom returns r if it ends with the sequence or a later one, or else the run without turns.
func (r run) ifEndsFrom(sequence int64) run {
	if r.last < sequence {
		return run{}
	}
	return r
}

// runBefore returns the newest run that ends before the sequence, or the run without turns.
func (v *view) runBefore(c *conversation, sequence int64) (run, error) {
	if !c.open.empty() && c.open.last < sequence {
		return c.open, nil
	}
	if c.live == c.open.turns() {
		return run{}, nil // there is no closed run
	}
	var r run
	err := v.Scan(v.talk(c.cid, 's'), v.turnKey(c.cid, 's', sequence), true, r.take)
	return r, err
}

// eachLive calls f for the live turns from a sequence on, oldest first, until f returns false or an error.
func (v *view) eachLive(c *conversation, from int64, f func(sequence, number int64) (more bool, err error)) error {
	for {
		r, err := v.runFrom(c, from)
		if err != nil || r.empty() {
			return err
		}
		for s := max(from, r.first); s <= r.last; s++ {
			if more, err := f(s, r.numberOf(s)); err != nil || !more {
				return err
			}
		}
		from = r.last + 1
	}
}

// runsSince returns the runs with live turns that have the number from or a greater one, newest first,
// and how many turns these are. It stops after more than most turns.
func (v *view) runsSince(c *conversation, from, most int64) (runs []run, turns int64, err error) {
	for before := c.sequence + 1; turns <= most; {
		r, err := v.runBefore(c, before)
		if err != nil || r.empty() || r.numberOf(r.last) < from {
			return runs, turns, err
		}
		runs = append(runs, r)
		turns += r.last + 1 - max(r.first, r.sequenceOf(from))
		before = r.first
	}
	return runs, turns, nil
}

// addLive makes a turn one of the live turns, all of which are older. The caller saves the conversation.
func (x *change) addLive(c *conversation, t *turn) error {
	c.live++
	if !c.open.empty() {
		if c.open.last+1 == t.Sequence {
			c.open.last++
			return nil
		}
		e := encoder{x.record[:0]}
		c.open.encode(&e)
		if err := x.tx.Put(x.runKey(c.cid, c.open), e.b); err != nil {
			return err
		}
	}
	c.open = run{first: t.Sequence, last: t.Sequence, number: t.Number}
	return nil
}

// dropLive takes the live turns from a sequence on out of the runs, which are all that have such turns,
// newest first. What the oldest of the runs still has is open then. The caller saves the conversation.
func (x *change) dropLive(c *conversation, runs []run, from int64) error {
	for _, r := range runs {
		c.live -= r.last + 1 - max(r.first, from)
		if r == c.open {
			continue
		}
		if err := x.tx.Delete(x.runKey(c.cid, r)); err != nil {
			return err
		}
	}
	c.open = runs[len(runs)-1].until(from)
	return nil
}
