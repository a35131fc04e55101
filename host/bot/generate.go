package bot

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/plugins/services"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// generate decodes the tail, asks the memory which messages to show to the model, and asks the models
// of the bot for the reply. It collects the reply in t.reply, and returns the Finish of the reply.
// Together with an error it may return a Finish whose Usage says what the model used until the error.
func (t *turn) generate(ctx context.Context, stored []storage.Turn) (*llm.Finish, error) {
	// The client may have left while Begin ran. Then the turn is interrupted.
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if t.tailErr != nil {
		return nil, t.tailErr
	}
	defer t.tailShare.Release() // the tail is not used after the model has replied
	tail, err := t.decodeTail(stored)
	if err != nil {
		return nil, err
	}
	calling, err := openCalls(stored)
	if err != nil {
		return nil, err
	}
	if err := t.checkAnswers(toolCallsOf(calling.Parts)); err != nil {
		return nil, err
	}
	seen, err := t.recall(ctx, tail)
	if err != nil {
		return nil, err
	}
	seen = t.withOpenCalls(seen, calling, stored)
	t.lastIsOpen = len(calling.Parts) > 0
	finish, err := t.ask(ctx, seen)
	t.record.LLMMS = t.lap()
	if finish != nil {
		t.record.Model = finish.Model
		if r := finish.Reason.String(); len(t.callIDs) > 0 && (r == llm.FinishStop.String() || r == llm.FinishUnknown.String()) {
			finish.Reason = llm.FinishToolCalls // not every provider says so
		}
		if r := finish.Reason.String(); r != llm.FinishUnknown.String() {
			t.record.FinishReason = r
		}
	}
	return finish, err
}

// recall returns the earlier messages to show to the model. If the memory's Needs ask for
// Recall, the memory chooses the messages. Otherwise the messages are the tail.
func (t *turn) recall(ctx context.Context, tail []memory.Turn) ([]chat.Message, error) {
	var recalled []chat.Message
	if t.bot.needs.Recall {
		meter := &services.Meter{}
		r, err := t.bot.Memory.Recall(services.WithMeter(ctx, meter), t.recallRequest(tail))
		t.record.Callbacks = meter.Totals()
		if err != nil {
			return nil, err
		}
		recalled = t.recalledMessages(r)
		t.record.RecallMS = t.lap()
	} else {
		recalled = memory.Messages(tail)
	}
	return t.cutToTailBytes(cleanMessages(recalled)), nil
}

// cutToTailBytes returns the newest messages that together fit into sdk.MaxTailBytes. A storage
// or a memory may return more bytes than the host asked for.
func (t *turn) cutToTailBytes(messages []chat.Message) []chat.Message {
	newest := chat.Newest(messages, sdk.MaxTailBytes)
	if cut := len(messages) - len(newest); cut > 0 {
		t.recordLeftOut(len(messages))
		t.sources = t.sources[min(cut, len(t.sources)):]
	}
	return newest
}

// recordLeftOut records that the model is not shown all earlier messages, because they have too
// many bytes. atMost is the greatest possible number of earlier messages. The host does not
// know how many messages are left out, because the storage does not read them.
func (t *turn) recordLeftOut(atMost int) {
	t.record.OlderLeftOut = true
	t.record.Asked = max(t.record.Asked, atMost)
}

// compose returns the messages for the model: the prompt, the recalled messages and the
// new messages. It expands no templates.
func compose(prompt string, recalled, messages []chat.Message) []chat.Message {
	out := make([]chat.Message, 0, len(recalled)+len(messages)+1)
	if prompt != "" {
		out = append(out, chat.Text(chat.System, prompt))
	}
	out = append(out, recalled...)
	return append(out, messages...)
}

// stable returns how many of the first messages will probably begin the conversation's next
// request too: all but the new messages if the tail is not full yet, or else the prompt. It returns 0
// if the prompt has a variable that probably has another value in that request, such as the time.
func (t *turn) stable(prompt string, messages []chat.Message) int {
	if t.prompt.Varies {
		return 0 // the prompt comes first, and a provider caches only what comes before the first change
	}
	if !t.bot.needs.Recall && !t.record.OlderLeftOut && !t.record.Context.leavesOut() && t.record.Recalled+len(t.messages)+1 <= t.bot.needs.Tail {
		return len(messages) - len(t.messages)
	}
	if prompt != "" {
		return 1
	}
	return 0
}

// callModelWatched calls the model. It ends the call if the provider is silent for longer than
// the tenant's token timeouts.
func (t *turn) callModelWatched(ctx context.Context, req *llm.Request) (*llm.Finish, error) {
	ctx, t.tokenTimeout = newTokenTimeout(ctx, t.bot.Limits)
	defer t.tokenTimeout.stop()
	finish, err := t.callModel(ctx, req)
	switch {
	case errors.Is(err, errBudgetSpent): // a reply that was cut at its budget is a success
		if finish == nil {
			finish = &llm.Finish{}
		}
		finish.Reason, err = llm.FinishLength, nil
	case err != nil:
		err = preferCause(ctx, err)
	}
	return finish, err
}

// callModel calls the model and passes each piece of the reply to receive. The timeout for the
// first piece starts when the call leaves the plugin's queue.
func (t *turn) callModel(ctx context.Context, req *llm.Request) (finish *llm.Finish, err error) {
	if q, ok := t.llm.(queueing); ok {
		finish, err = q.ChatFrom(ctx, req, t.receive, t.tokenTimeout.leftQueue)
	} else {
		t.tokenTimeout.leftQueue()
		finish, err = t.llm.Chat(ctx, req, t.receive)
	}
	switch {
	case err != nil:
	case finish == nil:
		err = fault.New(fault.ProviderFailed, "the reply ended before it was complete").By(fault.PartyPlugin)
	default:
		if err = t.accept(t.cleaner.rest()); err == nil {
			err = t.checkNotEmpty(finish)
		}
	}
	return cleanFinish(finish), err
}

// checkNotEmpty returns an error if the reply has no content and its finish reason does not
// explain why.
func (t *turn) checkNotEmpty(finish *llm.Finish) error {
	if !t.reply.IsEmpty() || finish.Reason == llm.FinishLength || finish.Reason == llm.FinishContentFilter {
		return nil
	}
	return fault.New(fault.ProviderFailed, "the reply ended with nothing in it (finish_reason %s)", finish.Reason)
}
