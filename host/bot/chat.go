package bot

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/botyard/botyard/host/quota"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// Chat runs one turn. It calls emit, which may be nil, with each piece of the
// reply as it comes; an error from it, or the end of ctx, interrupts the turn.
// When Chat returns without error the turn is committed. However it ends, by a panic of
// emit too, its conversation is free, unless the storage does not let it go: then it is
// when the lease has run out. Errors are of package
// fault: Invalid for a bad request, NotFound for a conversation of another user,
// Conflict for a busy one, RateLimited
// for a tenant at one of its caps, Deadline for a turn that takes too long and for a
// provider that is silent, and what plugins answer.
func (b *Bot) Chat(ctx context.Context, req Request, emit func(text string) error) (reply *Reply, err error) {
	t := newTurn(b, req, emit)
	defer func() { t.tell(reply, err) }()
	if err := req.check(b.Limits.MessageBytes); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, b.Limits.TurnTimeout,
		fault.New(fault.Deadline, "the turn took longer than %s", b.Limits.TurnTimeout))
	defer cancel()
	b.Observer.AddWaitingTurns(1)
	leave, err := b.Admission.enter(ctx, b.queueKey(req.ConversationID, req.UserID), req.IdempotencyKey, b.Limits)
	b.Observer.AddWaitingTurns(-1)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer leave()
	b.Observer.AddRunningTurns(1)
	defer b.Observer.AddRunningTurns(-1)
	free := b.Hold(t.holder)
	defer free()
	t.record.WaitMS = t.lap()
	return t.run(ctx)
}

// cause prefers why ctx ended over the bare context error that it caused.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && (fault.Is(err, fault.Canceled) || fault.Is(err, fault.Deadline)) {
		return fault.Of(context.Cause(ctx))
	}
	return fault.Of(err)
}

// turn is the state of one run of Chat.
type turn struct {
	bot        *Bot
	req        Request
	attempt    string
	holder     string // of its lease, which no other turn has
	emit       func(string) error
	emitting   bool
	record     *record
	said       said
	text       strings.Builder
	parts      []chat.Part // what the reply has beside text
	reasoning  []byte      // of the last part, if that is reasoning
	spent      chat.Usage  // so far
	lost       chat.Usage  // on replies that are not this one, see asksAgain
	left       allowance
	silent     *silence
	denied     error        // why it cannot run, though it has begun
	tailShare  *quota.Share // of the messages that the model is shown
	replyShare *quota.Share // of what has come of the reply
	held       int64        // bytes of that
	mark       time.Time

	state      storage.State // that it is to end in; zero until then
	used       chat.Usage    // as it is kept; zero until then
	firstToken time.Duration // since it came; 0 before
}

func newTurn(b *Bot, req Request, emit func(string) error) *turn {
	attempt := rand.Text()
	return &turn{
		bot: b, req: req, attempt: attempt, holder: b.Holder + "." + attempt, emit: emit,
		record: newRecord(b), left: newAllowance(b.Limits.ReplyTokens, b.Limits.ReplyBytes),
	}
}

func (t *turn) call() sdk.Call {
	return t.bot.call(t.req.ConversationID, t.req.UserID)
}

func (t *turn) run(ctx context.Context) (*Reply, error) {
	defer t.release()
	started, reply, err := t.begin(ctx)
	if err != nil || reply != nil {
		return reply, err
	}
	ended := false
	defer func() {
		if !ended { // something panics, or ended the goroutine, and goes on with that
			t.abandon(started.Fence)
		}
	}()
	t.record.BeginMS = t.lap()
	if started.TailCut {
		t.leftOut(t.bot.needs.Tail)
	}
	finish, err := t.generate(ctx, started.Tail)
	if err != nil {
		err = cause(ctx, err)
		if fault.Is(err, fault.Unauthenticated) && t.bot.Unauthenticated != nil {
			t.bot.Unauthenticated()
		}
	}
	reply, err = t.commit(ctx, started.Fence, finish, err)
	ended = true
	return reply, err
}

// generate asks the memory and the model.
func (t *turn) generate(ctx context.Context, tail []chat.Message) (*llm.Finish, error) {
	b := t.bot
	// A client that left while Begin was on its way leaves a turn to interrupt.
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if t.denied != nil {
		return nil, t.denied
	}
	defer t.tailShare.Release() // the model has been shown it
	message := chat.Text(chat.User, t.req.Message)
	tail = t.carried(tail)
	recalled := tail
	if b.needs.Recall {
		var err error
		recalled, err = b.Memory.Recall(ctx, &memory.RecallRequest{Call: t.call(), Tail: tail, Message: message})
		if err != nil {
			return nil, err
		}
		t.record.RecallMS = t.lap()
	}
	recalled = t.carried(cleanMessages(recalled))
	t.record.Recalled = len(recalled)
	// Streamed even for a caller who wants the whole: what comes tells that the model is
	// alive, and what was spent when the caller goes away.
	req := &llm.Request{
		Call: t.call(), Messages: compose(b.System, recalled, message), Stream: true, MaxOutputTokens: b.Limits.ReplyTokens,
	}
	finish, err := t.watched(ctx, req)
	for t.asksAgain(ctx, err) {
		finish, err = t.watched(ctx, req)
	}
	t.record.LLMMS = t.lap()
	if finish != nil {
		t.record.Model = finish.Model
		if r := finish.Reason.String(); r != llm.FinishUnknown.String() {
			t.record.FinishReason = r
		}
	}
	return finish, err
}

// watched makes the call of the model, of which a provider that keeps silent is the end.
func (t *turn) watched(ctx context.Context, req *llm.Request) (*llm.Finish, error) {
	ctx, t.silent = newSilence(ctx, t.bot.Limits)
	defer t.silent.end()
	finish, err := t.ask(ctx, req)
	switch {
	case errors.Is(err, errSpent):
		if finish == nil {
			finish = &llm.Finish{}
		}
		finish.Reason, err = llm.FinishLength, nil
	case err != nil:
		err = cause(ctx, err)
	}
	return finish, err
}

// carried is what of the messages can be carried on, whatever a storage or a memory
// answered.
func (t *turn) carried(messages []chat.Message) []chat.Message {
	newest := chat.Newest(messages, sdk.MaxTailBytes)
	if len(newest) < len(messages) {
		t.leftOut(len(messages))
	}
	return newest
}

// leftOut takes down that messages are not shown to the model because of their bytes, of as
// many as were asked for. How many there are of these only the storage knows, which does not
// read what it leaves out.
func (t *turn) leftOut(asked int) {
	t.record.OlderLeftOut = true
	t.record.Asked = max(t.record.Asked, asked)
}

// ask makes the call of the model. The provider is watched once the call is made.
func (t *turn) ask(ctx context.Context, req *llm.Request) (finish *llm.Finish, err error) {
	if q, ok := t.bot.LLM.(queueing); ok {
		finish, err = q.ChatFrom(ctx, req, t.relay, t.silent.begun)
	} else {
		t.silent.begun()
		finish, err = t.bot.LLM.Chat(ctx, req, t.relay)
	}
	switch {
	case err != nil:
	case finish == nil:
		err = fault.New(fault.ProviderFailed, "the reply ended before it was complete").By(fault.PartyPlugin)
	default:
		if err = t.take(t.said.rest()); err == nil {
			err = t.nothing(finish)
		}
	}
	return cleanFinish(finish), err
}

// nothing is why a reply with nothing at all in it is none, unless its end tells why it
// has nothing.
func (t *turn) nothing(finish *llm.Finish) error {
	if t.text.Len() > 0 || len(t.parts) > 0 || finish.Reason == llm.FinishLength || finish.Reason == llm.FinishContentFilter {
		return nil
	}
	return fault.New(fault.ProviderFailed, "the reply ended with nothing in it (finish_reason %s)", finish.Reason)
}

// compose is what the model sees: pure, and nothing in it is a template.
func compose(system string, recalled []chat.Message, message chat.Message) []chat.Message {
	out := make([]chat.Message, 0, len(recalled)+2)
	if system != "" {
		out = append(out, chat.Text(chat.System, system))
	}
	out = append(out, recalled...)
	return append(out, message)
}

func (t *turn) relay(d llm.Delta) error {
	t.silent.heard()
	defer t.silent.waits()
	return t.take(t.said.delta(d))
}

// take delivers as much of a piece as the reply may have.
func (t *turn) take(d llm.Delta) error {
	if d.Usage != (chat.Usage{}) {
		t.spent = d.Usage
	}
	d, spent := t.left.take(d)
	if err := t.deliver(d); err != nil {
		return err
	}
	if spent {
		return errSpent
	}
	return nil
}

// deliver keeps a piece of the reply and passes it on.
func (t *turn) deliver(d llm.Delta) error {
	if d.Text == "" && d.Reasoning == "" && len(d.ToolCalls) == 0 {
		return nil
	}
	if t.record.FirstTokenMS == 0 {
		now := time.Now()
		t.record.FirstTokenMS, t.firstToken = millis(now.Sub(t.mark)), now.Sub(t.record.started)
	}
	if err := t.hold(t.sizeOf(d)); err != nil {
		return err
	}
	if d.Reasoning != "" {
		if t.isNewReasoning() {
			if len(t.parts) > 0 { // of the first the tenant's limit has no need
				t.left.bytes = max(0, t.left.bytes-reasoningSize)
			}
			t.parts = append(t.parts, chat.Part{Reasoning: &chat.Reasoning{}})
			t.reasoning = nil
		}
		t.reasoning = append(t.reasoning, d.Reasoning...) // of the last part, and in it when all is there
	}
	if len(d.ToolCalls) > 0 {
		t.reasoned()
	}
	for _, c := range d.ToolCalls {
		t.parts = append(t.parts, chat.Part{ToolCall: &c})
	}
	if d.Text == "" {
		return nil
	}
	t.text.WriteString(d.Text)
	if t.emit == nil {
		return nil
	}
	t.emitting = true
	err := t.emit(d.Text)
	t.emitting = false
	if err != nil {
		return &clientGone{err}
	}
	return nil
}

// sizeOf is what is kept of a piece, with the parts that it makes.
func (t *turn) sizeOf(d llm.Delta) int {
	n := len(d.Text) + len(d.Reasoning)
	if d.Reasoning != "" && t.isNewReasoning() {
		n += reasoningSize
	}
	for i := range d.ToolCalls {
		n += chat.Part{ToolCall: &d.ToolCalls[i]}.Size()
	}
	return n
}

// reasoningSize is what a part of reasoning has beside its text.
var reasoningSize = chat.Part{Reasoning: &chat.Reasoning{}}.Size()

// isNewReasoning says whether reasoning that comes now is a part of its own.
func (t *turn) isNewReasoning() bool {
	n := len(t.parts)
	return n == 0 || t.parts[n-1].Reasoning == nil
}

// reasoned puts what was reasoned into its part.
func (t *turn) reasoned() {
	if n := len(t.parts); n > 0 && t.parts[n-1].Reasoning != nil {
		t.parts[n-1].Reasoning.Text = string(t.reasoning)
	}
}

// clientGone is an error of emit, told apart from a plugin's.
type clientGone struct{ err error }

func (e *clientGone) Error() string { return "the reply could not be delivered: " + e.err.Error() }
func (e *clientGone) Unwrap() error { return e.err }

// outcome classifies how generating ended.
func outcome(ctx context.Context, err error) (storage.State, string) {
	if err == nil {
		return storage.Succeeded, ""
	}
	e := fault.Of(err)
	why := reason(e.Class, e.ForCallers())
	var gone *clientGone
	if errors.As(err, &gone) || errors.Is(ctx.Err(), context.Canceled) {
		return storage.Interrupted, why
	}
	return storage.Failed, why
}

// reply is the assistant's message of the turn.
func (t *turn) reply(finish *llm.Finish) []chat.Message {
	t.reasoned()
	parts := t.parts
	if finish != nil && len(finish.ReasoningSignature) > 0 && len(finish.ReasoningSignature) <= sdk.MaxSignatureBytes && len(parts) > 0 && parts[0].Reasoning != nil {
		parts[0].Reasoning.Signature = finish.ReasoningSignature
	}
	if t.text.Len() > 0 || len(parts) == 0 {
		parts = append(parts, chat.Part{Text: t.text.String()})
	}
	return []chat.Message{{Role: chat.Assistant, Parts: parts}}
}

// lap is the time since the last one, in milliseconds.
func (t *turn) lap() float64 {
	now := time.Now()
	if t.mark.IsZero() {
		t.mark = t.record.started
	}
	d := now.Sub(t.mark)
	t.mark = now
	return millis(d)
}
