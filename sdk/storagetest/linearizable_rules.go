package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var linearizableRules = []Rule{{
	Name:  "linearizable",
	Doc:   "What 64 writers and some readers of one conversation see, through all processes, with retractions, branches and holders that die, is what one after the other would have seen.",
	Check: checkLinearizable,
}}

// proofTimeout bounds the search for an order of the calls. If an order exists, the search finds it
// fast.
const proofTimeout = 20 * time.Second

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
		Init:  func() any { return standing{} },
		Step:  func(state, in, out any) (bool, any) { return state.(standing).step(in.(asked), out.(told)) },
		Equal: func(a, b any) bool { return a.(standing).equal(b.(standing)) },
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
	turns := 4
	if env.Short {
		turns = 2
	}
	c := env.talk("c")
	w := &witness{start: time.Now()}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
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
				if _, err := w.saw(writers+i, asked{call: "read"}, c.via(at).whole(ctx, selection(at%2 == 1))); err != nil {
					return err
				}
			}
		})
	}()
	err := together(writers, func(i int) error {
		last := int64(0) // the number of the client's newest turn
		for n := range turns {
			in := asked{text: fmt.Sprintf("w%d-%d", i, n), state: storage.Succeeded, dies: i%16 == 0 && n == 0}
			if (i+n)%7 == 3 {
				in.state = storage.Failed
			}
			if (i+n)%5 == 1 && env.retracts() {
				in.number = last
			}
			number, err := c.witnessed(ctx, w, i, in)
			if err != nil {
				stop() // the turn holds the conversation, and the other clients would wait in vain
				return err
			}
			last = max(last, number)
			if (i+n)%8 == 2 {
				if err := c.witnessedBranch(ctx, w, i, fmt.Sprint("-", in.text), last*int64(n%2)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	close(done)
	if err := errors.Join(err, <-reading); err != nil {
		return err
	}
	if _, err := w.saw(0, asked{call: "read"}, c.whole(ctx, succeededOnly)); err != nil {
		return err
	}
	return w.check()
}

// witnessed runs a turn, records its calls, and returns its number. Begin and Commit use different
// opened storages. A Begin that cannot retract is tried again without that.
func (t talk) witnessed(ctx context.Context, w *witness, client int, in asked) (int64, error) {
	var fence string
	for fence == "" {
		in.call = "begin"
		at := t.via(client + rand.N(3))
		out, err := w.saw(client, in, func() (out told, err error) {
			res, err := at.begin(ctx, in.text, tail(2), retractFrom(in.number), func(r *storage.BeginRequest) {
				for part := range partsOf(in.text) - 1 {
					r.Messages = append(r.Messages, said(fmt.Sprintf("%s part %d", in.text, part)))
				}
				if in.dies {
					r.Lease = t.env.Lease
				}
			})
			switch {
			case in.number > 0 && fault.Is(err, fault.Conflict):
				out.refused = true
				return out, nil
			case err != nil:
				return out, err
			case res.Busy != nil:
				out.busy = true
				return out, nil
			case res.Started == nil:
				return out, fmt.Errorf("begin %q answered %s; want started or busy", in.text, outcome(res))
			}
			fence, out.position = res.Started.Fence, res.Started.Sequence
			if n := len(res.Started.Tail); n > 1 {
				return out, fmt.Errorf("begin %q has a tail of %d turns; want the one that has 2 messages or more", in.text, n)
			}
			for _, turn := range res.Started.Tail {
				out.tail, err = wholeTurn(turn)
			}
			return out, err
		})
		if err != nil {
			return 0, err
		}
		if fence != "" {
			break
		}
		if out.refused {
			in.number = 0
			continue
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("%q never got its turn: %w", in.text, ctx.Err())
		case <-time.After(2*time.Millisecond + rand.N(20*time.Millisecond)):
		}
	}
	time.Sleep(rand.N(time.Millisecond)) // give other clients time to make calls
	if in.dies {
		if err := t.env.wait(ctx); err != nil {
			return 0, err
		}
	}
	in.call = "commit"
	out, err := w.saw(client, in, func() (out told, err error) {
		out.position, err = t.via(client+1).end(ctx, fence, in.state, in.text)
		if in.dies && fault.Is(err, fault.Conflict) {
			out.stale, err = true, nil
		}
		return out, err
	})
	if err != nil {
		return 0, fmt.Errorf("commit of %q: %w", in.text, err)
	}
	return out.position, nil
}

// witnessedBranch makes a branch of the conversation up to the number, and records it with what the
// branch has. It does nothing if the storage makes no branches.
func (t talk) witnessedBranch(ctx context.Context, w *witness, client int, id string, through int64) error {
	branch := t.via(client)
	branch.call.Conversation += id
	_, err := w.saw(client, asked{call: "branch", number: through}, func() (out told, err error) {
		made, err := branch.branch(ctx, t, through)
		if through > 0 && fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) {
			out.refused = true
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out.position = made.Through
		log, err := branch.log(ctx, everyTurn)
		if err == nil && int64(len(log)) != made.Turns {
			err = fmt.Errorf("a branch of %d turns is read with %d", made.Turns, len(log))
		}
		for _, turn := range log {
			if err == nil && (turn.Number != out.log.turns+1 || turn.Sequence != turn.Number) {
				err = fmt.Errorf("turn %d of a branch has sequence %d and number %d", out.log.turns+1, turn.Sequence, turn.Number)
			}
			if err != nil {
				return out, err
			}
			var text string
			text, err = wholeTurn(turn)
			out.log = out.log.with(text)
		}
		return out, err
	})
	if errors.Is(err, ErrSkip) {
		return nil
	}
	return err
}

// partsOf returns with how many messages the turn with the text begins: 1 to 3.
func partsOf(text string) int { return 1 + len(text)%3 }

// wholeTurn returns the text of a succeeded turn. It returns an error if messages of the turn are
// missing, or are those of other turns.
func wholeTurn(turn storage.Turn) (string, error) {
	if len(turn.Messages) == 0 {
		return "", fmt.Errorf("turn %d has no messages", turn.Sequence)
	}
	text := textOf(turn.Messages[0])
	want := []string{text}
	for part := range partsOf(text) - 1 {
		want = append(want, fmt.Sprintf("%s part %d", text, part))
	}
	return text, same(fmt.Sprintf("the messages of turn %d", turn.Sequence), texts(turn.Messages), append(want, "re: "+text))
}

// whole returns a function that reads the log in one page and returns the checksum of the succeeded
// turns that are not retracted. With everyTurn, it reads the others too and leaves them out.
func (t talk) whole(ctx context.Context, turns selection) func() (told, error) {
	return func() (out told, err error) {
		page, err := t.storage().Read(ctx, &storage.ReadRequest{Call: t.call, Limit: storage.MaxPage, All: bool(turns)})
		if fault.Is(err, fault.NotFound) { // no turn has begun yet
			return out, nil
		}
		if err != nil {
			return out, err
		}
		for _, turn := range page.Turns {
			if turns == everyTurn && (turn.State != storage.Succeeded || turn.Retracted) {
				continue
			}
			text, err := wholeTurn(turn)
			if err != nil {
				return out, err
			}
			out.log = out.log.with(turn.Sequence, turn.Number, text)
		}
		return out, nil
	}
}
