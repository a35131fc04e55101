package bot

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/prompt"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// turn is the state of one call of Bot.Chat. Only the goroutine of that call uses it.
type turn struct {
	bot      *Bot
	req      Request
	attempt  string         // identifies the turn in every repetition of its Begin
	holder   string         // name under which the turn holds its lease; unique to the turn
	messages []chat.Message // with which the turn begins
	emit     func(string) error
	emitting bool           // true while emit runs
	prompt   *prompt.Chosen // the system prompt, or the one that the request names
	refusal  error          // why the turn must not begin; only a repetition of an earlier turn may go on
	record   *record
	lastLap  time.Time // time of the last call of lap

	incarnation string               // of the conversation
	retractions []storage.Retraction // retractions that were not yet passed to the memory's Remember

	cleaner      replyCleaner
	reply        llm.Joiner
	callIDs      map[string]bool  // the ids of the tool calls of the reply
	shown        bool             // the reply has text, which is for the caller to see
	receiving    bool             // a piece of the reply has come
	model        int              // index in Bot.models of the turn's model, which the turn asks
	llm          llm.LLM          // instance of the turn's model
	traits       sdk.LLMTraits    // what the turn's model can take
	tailMessages int              // how many of the newest messages of the log the earlier messages are taken from
	sources      []recalledSource // of each of the earlier messages before adapt, at the same index; empty if no memory chose them
	lastIsOpen   bool             // the new messages have the results of the calls of the last earlier message
	replaced     *replacedParts   // what withOpenCalls left out, for every model; nil if nothing
	estimated    float64          // tokens of the request without the correction by the ratio; 0 if not estimated
	maxInput     float64          // bound of estimated after the provider refused the messages as too long; 0 before
	contextCuts  int              // how often the provider of the turn's model refused the messages as too long
	began        time.Time        // when the turn began to ask its model; zero for the first model, for which it is lastLap
	asked        int              // how often the turn asked its model
	askedAgain   int              // how often the turn asked it again because the plugin's process ended
	retries      int              // how often the turn asked it again because its upstream failed
	budget       replyBudget
	tokenTimeout *tokenTimeout // watchdog of the current call of the model
	usage        chat.Usage    // what the reply has used so far
	lostUsage    chat.Usage    // what the replies used that dropReply discarded

	tailErr    error            // error of wholeTail; generate returns it
	tailShare  *fairshare.Share // share of HeldBytes for the tail
	replyShare *fairshare.Share // share of HeldBytes for the reply
	replyBytes int64            // size of the reply so far

	// notifyObserver passes endState, endUsage and firstToken to the Observer. endState and
	// endUsage are zero until the turn ends. firstToken is zero until the reply's first piece
	// comes.
	endState   storage.State
	endUsage   chat.Usage
	firstToken time.Duration // from the start of the turn to the reply's first piece
}

func newTurn(b *Bot, req Request, emit func(string) error) *turn {
	attempt := rand.Text()
	return &turn{
		bot: b, req: req, messages: req.newMessages(), attempt: attempt, holder: b.Holder + "." + attempt, emit: emit,
		record: newRecord(b), budget: newReplyBudget(b.Limits.ReplyTokens, b.Limits.ReplyBytes),
	}
}

// call returns the sdk.Call that says which tenant, conversation and user the turn's calls of
// plugins are for.
func (t *turn) call() sdk.Call {
	return t.bot.call(t.req.ConversationID, t.req.UserID)
}

// run runs an admitted turn. It begins the turn, generates the reply and commits the turn.
func (t *turn) run(ctx context.Context) (*Reply, error) {
	defer t.releaseShares()
	started, reply, err := t.begin(ctx)
	if err != nil || reply != nil {
		return reply, err
	}
	if t.bot.Follow != nil {
		defer t.bot.Follow.Touch()
	}
	t.incarnation, t.retractions = started.Incarnation, started.Retractions
	ended := false
	defer func() {
		if !ended { // a panic or runtime.Goexit is unwinding the stack
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

// lap returns the milliseconds since the last call of lap. The first call returns the
// milliseconds since the turn's start.
func (t *turn) lap() float64 {
	now := time.Now()
	if t.lastLap.IsZero() {
		t.lastLap = t.record.started
	}
	d := now.Sub(t.lastLap)
	t.lastLap = now
	return millis(d)
}
