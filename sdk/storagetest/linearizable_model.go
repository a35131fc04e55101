package storagetest

import (
	"fmt"
	"hash/fnv"

	"github.com/botyard/botyard/sdk/storage"
)

// asked is a call in the model, and told is its result. The model leaves out busy Begins. They
// change nothing, and with them the search would have too many possible orders.
type (
	asked struct {
		call   string // "begin", "commit", "read" or "branch"
		text   string // the text of the turn
		state  storage.State
		dies   bool  // the lease may end before the commit
		number int64 // the number from which a Begin retracts, or up to which a Branch copies; 0 for none
	}
	told struct {
		busy     bool   // the Begin was busy, so that it is not recorded
		stale    bool   // the commit's fence was refused
		refused  bool   // no turn has the number, or there is no conversation
		position int64  // the sequence that a Begin returned, or the number that a Commit or a Branch returned
		tail     string // the text of the turn in the tail that a Begin returned
		log      logSum // the log that a Read returned, or the copies of a Branch
	}
)

// logSum is the number of the turns of a log, with a checksum of the turns.
type logSum struct {
	turns int64
	sum   uint64
}

func (l logSum) with(turn ...any) logSum {
	h := fnv.New64a()
	fmt.Fprintf(h, "%x %d %v", l.sum, l.turns, turn)
	return logSum{turns: l.turns + 1, sum: h.Sum64()}
}

// liveTurn is a succeeded turn in the model that is not retracted, on top of those before it.
type liveTurn struct {
	below  *liveTurn
	number int64
	text   string
	log    logSum // up to this turn
	copies logSum // what a branch up to this turn has
}

// up returns the live turn with the number and whether there is one. The number 0 stands for the
// newest one, which is nil if there is none.
func (t *liveTurn) up(number int64) (*liveTurn, bool) {
	for ; number > 0 && t != nil && t.number >= number; t = t.below {
		if t.number == number {
			return t, true
		}
	}
	return t, number == 0
}

// standing is the state of a conversation in the model.
type standing struct {
	sequence int64
	number   int64  // the greatest number that a turn has had
	running  string // the text of the running turn; empty if no turn is running
	dies     bool
	live     *liveTurn // the newest live turn
}

func (s standing) log() (l logSum) {
	if s.live != nil {
		return s.live.log
	}
	return l
}

// equal reports whether two states are the same.
func (s standing) equal(o standing) bool {
	logs := s.log() == o.log()
	s.live, o.live = nil, nil
	return logs && s == o
}

// step reports whether a call in this state can have this result. It also returns the state after
// the call.
func (s standing) step(in asked, out told) (bool, standing) {
	switch in.call {
	case "begin":
		return s.begin(in, out)
	case "commit":
		return s.commit(in, out)
	case "branch":
		return s.branch(in, out), s
	}
	return out.log == s.log(), s
}

func (s standing) begin(in asked, out told) (bool, standing) {
	free := s.running == "" || s.dies
	at, found := s.live.up(in.number)
	if out.refused {
		return free && !found, s
	}
	if in.number > 0 && found {
		s.live = at.below
	}
	tail := ""
	if s.live != nil {
		tail = s.live.text
	}
	ok := free && found && out.position == s.sequence+1 && out.tail == tail
	s.sequence, s.running, s.dies = s.sequence+1, in.text, in.dies
	return ok, s
}

func (s standing) commit(in asked, out told) (bool, standing) {
	if out.stale {
		return in.dies && s.running != in.text, s
	}
	ok := s.running == in.text
	s.running = ""
	if in.state != storage.Succeeded {
		return ok && out.position == 0, s
	}
	s.number++
	next := &liveTurn{below: s.live, number: s.number, text: in.text, log: s.log().with(s.sequence, s.number, in.text)}
	if s.live != nil {
		next.copies = s.live.copies
	}
	next.copies = next.copies.with(in.text)
	s.live = next
	return ok && out.position == s.number, s
}

func (s standing) branch(in asked, out told) bool {
	at, found := s.live.up(in.number)
	switch {
	case out.refused:
		return s.sequence == 0 || !found
	case s.sequence == 0 || !found:
		return false
	case at == nil:
		return out.position == 0 && out.log == logSum{}
	}
	return out.position == at.number && out.log == at.copies
}
