package bot

import (
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Outcome is how a turn ended for its caller.
type Outcome string

const (
	TurnSucceeded   Outcome = "succeeded"
	TurnReplayed    Outcome = "replayed"    // the reply of an earlier turn with the same idempotency key
	TurnFailed      Outcome = "failed"      // it began, and has no reply
	TurnInterrupted Outcome = "interrupted" // it began, and its caller left
	TurnRefused     Outcome = "refused"     // it did not begin
)

// Outcomes are all of them.
func Outcomes() []Outcome {
	return []Outcome{TurnSucceeded, TurnReplayed, TurnFailed, TurnInterrupted, TurnRefused}
}

// TurnEnd is what is told of a turn once it has ended.
type TurnEnd struct {
	Tenant     string
	Outcome    Outcome
	Err        error         // of package fault; nil for a turn that has a reply
	Took       time.Duration // since it came
	FirstToken time.Duration // from when it came to the first piece of the reply; 0 if there was none
	Usage      chat.Usage    // that it had of the model; zero of a replay
}

// Observer is told of the turns of bots. Its methods are called within turns, from many
// goroutines, and must not wait.
type Observer interface {
	// AddWaitingTurns and AddRunningTurns count turns in, with 1, and out, with -1: those that wait for
	// their conversation or were not let in yet, and those at work.
	AddWaitingTurns(n int)
	AddRunningTurns(n int)
	// TurnEnded is called once for each turn, after all that was counted in is out.
	TurnEnded(TurnEnd)
}

// noObserver is a Observer that looks away.
type noObserver struct{}

func (noObserver) AddWaitingTurns(int) {}
func (noObserver) AddRunningTurns(int) {}
func (noObserver) TurnEnded(TurnEnd)   {}

// tell tells the Observer how the turn ended. One in which something panics, or that ends
// its goroutine, has neither a reply nor an error.
func (t *turn) tell(reply *Reply, err error) {
	if reply == nil && err == nil {
		err = fault.New(fault.Internal, "the turn broke off")
	}
	end := TurnEnd{Tenant: t.bot.Tenant, Err: err, Took: time.Since(t.record.started), FirstToken: t.firstToken, Usage: t.used}
	switch {
	case err == nil && reply.Replayed:
		end.Outcome = TurnReplayed
	case err == nil:
		end.Outcome = TurnSucceeded
	case t.state == storage.Interrupted:
		end.Outcome = TurnInterrupted
	case t.state != 0:
		end.Outcome = TurnFailed
	default:
		end.Outcome = TurnRefused
	}
	t.bot.Observer.TurnEnded(end)
}
