package bot

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// turn is the state of one call of Chat. It belongs to the goroutine of that call.
type turn struct {
	bot      *Bot
	req      Request
	attempt  string // names this turn to the storage, in every repetition of its Begin
	holder   string // holds the turn's lease; unique to this turn
	emit     func(string) error
	emitting bool // emit is being called
	record   *record
	lastLap  time.Time // see lap

	cleaner      replyCleaner
	reply        replyBuilder
	budget       replyBudget
	tokenTimeout *tokenTimeout // watches the current call of the model
	usage        chat.Usage    // what the reply has used so far
	lostUsage    chat.Usage    // what replies used that retriesModel threw away

	tailErr    error            // why the model cannot be shown the tail, though the turn has begun
	tailShare  *fairshare.Share // bytes of the tail
	replyShare *fairshare.Share // bytes of the reply
	replyBytes int64            // size of the reply so far

	// notifyObserver passes these on. endState and endUsage are zero until the turn ends,
	// firstToken until the first token has come.
	endState   storage.State
	endUsage   chat.Usage
	firstToken time.Duration // from the start of the turn
}

func newTurn(b *Bot, req Request, emit func(string) error) *turn {
	attempt := rand.Text()
	return &turn{
		bot: b, req: req, attempt: attempt, holder: b.Holder + "." + attempt, emit: emit,
		record: newRecord(b), budget: newReplyBudget(b.Limits.ReplyTokens, b.Limits.ReplyBytes),
	}
}

// call returns what every call of a plugin within the turn is stamped with.
func (t *turn) call() sdk.Call {
	return t.bot.call(t.req.ConversationID, t.req.UserID)
}

// run runs the turn once it is admitted: it begins it, generates the reply and commits it.
func (t *turn) run(ctx context.Context) (*Reply, error) {
	defer t.releaseShares()
	started, reply, err := t.begin(ctx)
	if err != nil || reply != nil {
		return reply, err
	}
	ended := false
	defer func() {
		if !ended { // a panic or runtime.Goexit unwinds the stack, and continues after abandon
			t.abandon(started.Fence)
		}
	}()
	t.record.BeginMS = t.lap()
	if started.TailCut {
		t.recordLeftOut(t.bot.needs.Tail)
	}
	finish, err := t.generate(ctx, started.Tail)
	if err != nil {
		err = preferCause(ctx, err)
		if fault.Is(err, fault.Unauthenticated) && t.bot.Unauthenticated != nil {
			t.bot.Unauthenticated()
		}
	}
	reply, err = t.commit(ctx, started.Fence, finish, err)
	ended = true
	return reply, err
}

// lap returns the milliseconds since the last call, or since the turn's start.
func (t *turn) lap() float64 {
	now := time.Now()
	if t.lastLap.IsZero() {
		t.lastLap = t.record.started
	}
	d := now.Sub(t.lastLap)
	t.lastLap = now
	return millis(d)
}
