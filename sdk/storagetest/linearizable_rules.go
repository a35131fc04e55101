package storagetest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var linearizableRules = []Rule{{
	Name:  "linearizable",
	Doc:   "What 64 writers and some readers of one conversation see, through all processes and with holders that die, is what one after the other would have seen.",
	Check: checkLinearizable,
}}

// proofTimeout bounds the search for an order of the calls. If an order exists, the search finds it
// fast.
const proofTimeout = 20 * time.Second

// asked is a call in the model, and told is its result. The model leaves out busy Begins. They
// change nothing, and with them the search would have too many possible orders.
type (
	asked struct {
		call  string // "begin", "commit" or "read"
		text  string // the text of the turn
		state storage.State
		dies  bool // the lease may end before the commit
	}
	told struct {
		busy     bool      // the Begin was busy, so that it is not recorded
		stale    bool      // the commit's fence was refused
		position int64     // the sequence that a Begin returned, or the number that a Commit returned
		tail     [2]string // the tail that a Begin returned
		log      logSum    // the log that a Read returned
	}
)

// logSum is the number of the succeeded turns of a log, with a checksum of the turns.
type logSum struct {
	turns int64
	sum   uint64
}

func (l logSum) with(sequence int64, text string) logSum {
	h := fnv.New64a()
	fmt.Fprintf(h, "%x %d %d %s", l.sum, l.turns, sequence, text)
	return logSum{turns: l.turns + 1, sum: h.Sum64()}
}

// standing is the state of a conversation in the model.
type standing struct {
	sequence int64
	running  string // the text of the running turn; empty if no turn is running
	dies     bool
	log      logSum
	tail     [2]string
}

// step reports whether a call in this state can have this result. It also returns the state after
// the call.
func (s standing) step(in asked, out told) (bool, standing) {
	switch in.call {
	case "begin":
		free := s.running == "" || s.dies
		ok := free && out.position == s.sequence+1 && out.tail == s.tail
		s.sequence, s.running, s.dies = s.sequence+1, in.text, in.dies
		return ok, s
	case "commit":
		if out.stale {
			return in.dies && s.running != in.text, s
		}
		ok := s.running == in.text
		s.running = ""
		if in.state != storage.Succeeded {
			return ok && out.position == 0, s
		}
		s.log, s.tail = s.log.with(s.sequence, in.text), [2]string{in.text, "re: " + in.text}
		return ok && out.position == s.log.turns, s
	}
	return out.log == s.log, s
}

// witness records the calls of several clients with their results and times.
type witness struct {
	mu    sync.Mutex
	start time.Time
	seen  []porcupine.Operation
}

// saw runs call and records its times and result. It does not record a call that failed or was
// busy.
func (w *witness) saw(client int, in asked, call func() (told, error)) (told, error) {
	before := time.Since(w.start)
	out, err := call()
	after := time.Since(w.start)
	if err != nil || out.busy {
		return out, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, porcupine.Operation{ClientId: client, Input: in, Output: out, Call: int64(before), Return: int64(after)})
	return out, nil
}

// check looks for an order of the recorded calls in which a single client would get the same
// results. It returns an error if there is no such order.
func (w *witness) check() error {
	model := porcupine.Model{
		Init: func() any { return standing{} },
		Step: func(state, in, out any) (bool, any) { return state.(standing).step(in.(asked), out.(told)) },
	}
	switch porcupine.CheckOperationsTimeout(model, w.seen, proofTimeout) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return fmt.Errorf("within %v no order was found that explains the %d calls", proofTimeout, len(w.seen))
	}
	return fmt.Errorf("no order of the %d calls explains what they answered", len(w.seen))
}

func checkLinearizable(ctx context.Context, env *Env) error {
	const writers, readers = 64, 3
	turns := 6
	if env.Short {
		turns = 2
	}
	c := env.talk("c")
	w := &witness{start: time.Now()}
	done := make(chan struct{})
	reading := make(chan error, 1)
	go func() {
		reading <- together(readers, func(i int) error {
			for at := i; ; at++ {
				select {
				case <-done:
					return nil
				case <-time.After(rand.N(4 * time.Millisecond)):
				}
				if _, err := w.saw(writers+i, asked{call: "read"}, c.via(at).whole(ctx)); err != nil {
					return err
				}
			}
		})
	}()
	err := together(writers, func(i int) error {
		for n := range turns {
			in := asked{text: fmt.Sprintf("w%d-%d", i, n), state: storage.Succeeded, dies: i%16 == 0 && n == 0}
			if (i+n)%7 == 3 {
				in.state = storage.Failed
			}
			if err := c.witnessed(ctx, w, i, in); err != nil {
				return err
			}
		}
		return nil
	})
	close(done)
	if err := errors.Join(err, <-reading); err != nil {
		return err
	}
	if _, err := w.saw(0, asked{call: "read"}, c.whole(ctx)); err != nil {
		return err
	}
	return w.check()
}

// witnessed runs a turn and records its calls. Begin and Commit use different opened storages.
func (t talk) witnessed(ctx context.Context, w *witness, client int, in asked) error {
	var fence string
	for fence == "" {
		in.call = "begin"
		at := t.via(client + rand.N(3))
		_, err := w.saw(client, in, func() (out told, err error) {
			res, err := at.begin(ctx, in.text, tail(2), func(r *storage.BeginRequest) {
				if in.dies {
					r.Lease = t.env.Lease
				}
			})
			switch {
			case err != nil:
				return out, err
			case res.Busy != nil:
				out.busy = true
				return out, nil
			case res.Started == nil:
				return out, fmt.Errorf("begin %q answered %s; want started or busy", in.text, outcome(res))
			}
			fence, out.position = res.Started.Fence, res.Started.Sequence
			copy(out.tail[:], tailTexts(res.Started))
			return out, nil
		})
		if err != nil {
			return err
		}
		if fence != "" {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%q never got its turn: %w", in.text, ctx.Err())
		case <-time.After(2*time.Millisecond + rand.N(20*time.Millisecond)):
		}
	}
	time.Sleep(rand.N(time.Millisecond)) // give other clients time to make calls
	if in.dies {
		if err := t.env.wait(ctx); err != nil {
			return err
		}
	}
	in.call = "commit"
	_, err := w.saw(client, in, func() (out told, err error) {
		out.position, err = t.via(client+1).end(ctx, fence, in.state, in.text)
		if in.dies && fault.Is(err, fault.Conflict) {
			out.stale, err = true, nil
		}
		return out, err
	})
	if err != nil {
		return fmt.Errorf("commit of %q: %w", in.text, err)
	}
	return nil
}

// whole returns a function that reads the log in one page and returns the log's checksum.
func (t talk) whole(ctx context.Context) func() (told, error) {
	return func() (out told, err error) {
		page, err := t.storage().Read(ctx, &storage.ReadRequest{Call: t.call, Limit: storage.MaxPage})
		if fault.Is(err, fault.NotFound) { // no turn has begun yet
			return out, nil
		}
		if err != nil {
			return out, err
		}
		for _, turn := range page.Turns {
			if turn.Number != out.log.turns+1 || len(turn.Messages) != 2 || textOf(turn.Messages[1]) != "re: "+textOf(turn.Messages[0]) {
				return out, fmt.Errorf("turn %d has number %d and messages %q", turn.Sequence, turn.Number, texts(turn.Messages))
			}
			out.log = out.log.with(turn.Sequence, textOf(turn.Messages[0]))
		}
		return out, nil
	}
}
