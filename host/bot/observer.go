package bot

import (
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Outcome says how a turn ended for its caller.
type Outcome string

const (
	TurnSucceeded   Outcome = "succeeded"
	TurnReplayed    Outcome = "replayed"    // the caller got the reply of an earlier turn with the same idempotency key
	TurnFailed      Outcome = "failed"      // the turn began, and has no reply
	TurnInterrupted Outcome = "interrupted" // the turn began, and its caller left
	TurnRefused     Outcome = "refused"     // the turn did not begin
)

// TurnEnd describes a turn that has ended, for an Observer.
type TurnEnd struct {
	Tenant     string
	Outcome    Outcome
	Err        error         // a *fault.Error; nil if the turn has a reply
	Took       time.Duration // from the start of the turn to its end
	FirstToken time.Duration // from the start of the turn to the reply's first piece; 0 if no piece came
	Usage      chat.Usage    // tokens that the models used; zero for a replayed turn
	// PassedOver has the models that did not reply, so that the turn asked the next model.
	PassedOver []PassedOver
	// Fallback is the path of the block of the fallback that replied. It is empty if the first model
	// replied, or if the turn did not succeed.
	Fallback string
}

// PassedOver is a model that did not reply, so that the next model was asked.
type PassedOver struct {
	Block, Plugin string // path of the block; name of the plugin
	Class         fault.Class
}

// Observer receives events of turns, for metrics. Turns call its methods from many goroutines.
// The methods must not block.
type Observer interface {
	// AddWaitingTurns is called with 1 when a turn starts to wait for its admission, and
	// with -1 when it is admitted or refused.
	AddWaitingTurns(n int)
	// AddRunningTurns is called with 1 when a turn is admitted, and with -1 when the turn ends.
	AddRunningTurns(n int)
	// TurnEnded is called once for each turn, after all other calls for the turn.
	TurnEnded(TurnEnd)
}

// noObserver is an Observer that does nothing.
type noObserver struct{}

func (noObserver) AddWaitingTurns(int) {}
func (noObserver) AddRunningTurns(int) {}
func (noObserver) TurnEnded(TurnEnd)   {}

// notifyObserver tells the Observer how the turn ended. If reply and err are both nil, a panic
// or runtime.Goexit broke off the turn.
func (t *turn) notifyObserver(reply *Reply, err error) {
	if reply == nil && err == nil {
		err = fault.New(fault.Internal, "the turn broke off")
	}
	end := TurnEnd{Tenant: t.bot.Tenant, Err: err, Took: time.Since(t.record.started), FirstToken: t.firstToken, Usage: t.endUsage}
	switch {
	case err == nil && reply.Replayed:
		end.Outcome = TurnReplayed
	case err == nil:
		end.Outcome = TurnSucceeded
	case t.endState == storage.Interrupted:
		end.Outcome = TurnInterrupted
	case t.endState != 0:
		end.Outcome = TurnFailed
	default:
		end.Outcome = TurnRefused
	}
	for _, m := range t.record.PassedOver {
		name, _, _ := strings.Cut(m.Plugin, " ") // the version follows
		end.PassedOver = append(end.PassedOver, PassedOver{Block: m.Block, Plugin: name, Class: m.class})
	}
	if end.Outcome == TurnSucceeded {
		end.Fallback = t.record.LLMBlock
	}
	t.bot.Observer.TurnEnded(end)
}
