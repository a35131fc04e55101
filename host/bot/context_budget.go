package bot

import (
	"math"
	"slices"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// contextRecord says how the messages of a turn were made to fit into the context of its model. It is a
// part of the turn's record.
type contextRecord struct {
	Tokens int64 `json:"tokens"` // that input and reply may have together; 0 if the host does not know it
	Reply  int64 `json:"reply"`  // that are kept free for the reply
	Input  int64 `json:"input"`  // estimated for the system prompt, the earlier and new messages and the tools
	// Ratio is the factor that has corrected the estimate. It follows what the provider billed for
	// earlier requests.
	Ratio float64 `json:"ratio"`
	// LeftOut is how many of the oldest earlier messages were left out. LeftOutTurns is the number of
	// their turns.
	LeftOut      int `json:"left_out_messages,omitempty"`
	LeftOutTurns int `json:"left_out_turns,omitempty"`
	// Refused is how often the provider said that the messages are too long, so that it was asked
	// again with fewer of them.
	Refused int `json:"refused,omitempty"`
}

// leavesOut reports whether the model was not shown all earlier messages.
func (r *contextRecord) leavesOut() bool { return r != nil && r.LeftOut > 0 }

// If limits.reply_tokens is 0, a part of the context is kept free for the reply. A longer reply is
// possible if the context has room for it.
const (
	replyShare     = 4 // the context divided by this
	maxReplyShare  = 8192
	maxContextCuts = 4 // how often a turn asks again with fewer messages after the provider refused them as too long
)

// onlyNew is the maxInput of a turn whose model is shown no earlier message, except one whose calls the
// new messages answer. Each message has more tokens.
const onlyNew = messageTokens / 2

// contextTokens returns how many tokens the model's context has, or 0 if nobody says it.
func (t *turn) contextTokens() int64 {
	model, limit := t.traits.ContextTokens, int64(t.bot.Limits.ContextTokens)
	if model == 0 || limit > 0 && limit < model {
		return limit
	}
	return model
}

// replyTokens returns how many tokens of the context are kept free for the reply. It is never more than
// half of the context.
func (t *turn) replyTokens(context int64) int64 {
	reply := min(context/replyShare, maxReplyShare)
	if limit := int64(t.bot.Limits.ReplyTokens); limit > 0 {
		reply = limit
	}
	return min(reply, context/2)
}

// mayExceed reports whether the messages of all sets together may have more than the given number of
// tokens. It only adds up sizes, which is cheap, because a token has at least one byte. For most
// conversations it returns false, so that they need no estimate.
func mayExceed(tokens int64, sets ...[]chat.Message) bool {
	for _, messages := range sets {
		for i := range messages {
			tokens -= int64(messages[i].Size()) + messageTokens
			for j := range messages[i].Parts {
				if messages[i].Parts[j].Media != nil {
					tokens -= mediaTokens
				}
			}
		}
	}
	return tokens < 0
}

// fit returns the earlier messages that the model is shown, as adapt makes them: all, or the newest
// whole turns that fit into its context beside the system prompt, the new messages, the tools and the
// reply. earlier are the messages as they are stored. The new messages are never cut: if the estimate says
// that they alone do not fit, they are sent alone, and the provider decides. fit returns an error only for
// what refusesNew refuses.
func (t *turn) fit(system string, earlier []chat.Message) ([]chat.Message, error) {
	t.explain(earlier, 0)
	t.record.Context = nil
	t.estimated = 0
	adapted := t.adapt(earlier)
	context := t.contextTokens()
	if context == 0 && t.maxInput == 0 {
		return adapted, nil
	}
	reply := t.replyTokens(context)
	prompt := []chat.Message{chat.Text(chat.System, system)}
	if t.maxInput == 0 && len(t.req.Tools) == 0 && !mayExceed(context-reply, prompt, adapted, t.messages) {
		return adapted, nil
	}
	ratio := t.bot.ratios[t.model].value()
	room := float64(context-reply) / ratio
	if t.maxInput > 0 && (context == 0 || t.maxInput < room) {
		room = t.maxInput
	}
	fixed := messagesTokens(prompt) + messagesTokens(t.messages) + toolsTokens(t.req.Tools)
	first, left := newestTurns(adapted, room-fixed, t.lastIsOpen)
	kept := messagesTokens(adapted[first:])
	t.estimated = fixed + kept
	r := &contextRecord{Tokens: context, Reply: reply, Input: int64(ratio * t.estimated), Ratio: math.Round(100*ratio) / 100, LeftOutTurns: left, Refused: t.contextCuts}
	t.record.Context = r
	if t.maxInput == 0 {
		if err := t.refusesNew(r, fixed, ratio); err != nil {
			return nil, err
		}
	}
	if first == 0 {
		return adapted, nil
	}
	cut := t.storedBefore(earlier, len(adapted)-first)
	r.LeftOut = cut
	t.explain(earlier, cut)
	return t.adapt(earlier[cut:]), nil
}

// explain records which of the earlier messages the model is shown: all except the oldest ones, whose
// number is cut.
func (t *turn) explain(earlier []chat.Message, cut int) {
	r := t.record
	r.Replaced, r.Replacements, r.Recalled, r.Tail, r.Sources = t.replaced, nil, len(earlier)-cut, 0, nil
	if !t.bot.needs.Recall {
		if t.tailMessages != len(earlier) {
			r.Tail = t.tailMessages
		}
		return
	}
	shown := t.sources[min(cut, len(t.sources)):]
	r.Sources = slices.Clone(shown[:min(len(shown), maxExplained)])
}

// limitCounts reports whether limits.context_tokens bounds the context, and not what the plugin says of
// its model.
func (t *turn) limitCounts() bool {
	limit := int64(t.bot.Limits.ContextTokens)
	return limit > 0 && limit == t.contextTokens() && limit != t.traits.ContextTokens
}

// refusesNew returns an error if the new messages are too long with the system prompt and the tools. fixed
// is the estimate of their tokens, which ratio corrects.
//
// ratio comes from what other requests of the bot were billed, whose texts may be of another kind. So it
// refuses nothing. Of the model, the host refuses only what cannot fit even if the texts have as few
// tokens as any text, and the provider refuses the rest, which it counts exactly. A limit is about tokens
// as they are estimated, so that the plain estimate is compared with it, on all hosts alike.
func (t *turn) refusesNew(r *contextRecord, fixed, ratio float64) error {
	takes := "the model takes"
	switch {
	case r.Tokens == 0:
		return nil
	case t.limitCounts():
		if fixed <= float64(r.Tokens-r.Reply) {
			return nil
		}
		r.Input, takes = int64(fixed), "limits.context_tokens is"
	default:
		if minRatio*(fixed-mediaTokens*float64(countMedia(t.messages))) <= float64(r.Tokens) {
			return nil
		}
		r.Input = int64(ratio * fixed)
	}
	path := "messages"
	if t.req.Message != "" {
		path = "message"
	}
	return fault.New(fault.ContextTooLong, "has about %d tokens with the system prompt and the tools, as the host estimates, and %s %d, with %d for the reply; expected a shorter message",
		r.Input, takes, r.Tokens, r.Reply).At(path)
}

// newestTurns finds the newest whole turns that together have at most the given number of estimated
// tokens. It returns the index of their first message, and how many turns are left out before it. If
// lastIsOpen is true, the last message is never left out, because the new messages have the results of
// its calls.
func newestTurns(messages []chat.Message, tokens float64, lastIsOpen bool) (first, left int) {
	first = len(messages)
	for i := len(messages) - 1; i >= 0; i-- {
		tokens -= messageTokens + partTokens(messages[i].Parts)
		if tokens < 0 {
			break
		}
		if beginsTurn(messages, i) {
			first = i
		}
	}
	for i := range first {
		if beginsTurn(messages, i) {
			left++
		}
	}
	if first == len(messages) && lastIsOpen && first > 0 {
		first--
	}
	return first, left
}

// beginsTurn reports whether a turn begins with the message at i, so that the messages before it can be
// left out. A turn that begins with results of tools counts as a part of the turn before it, which has
// the calls.
func beginsTurn(messages []chat.Message, i int) bool {
	if i == 0 {
		return true
	}
	return messages[i].Role == chat.User && messages[i-1].Role != chat.User
}

// storedBefore returns the index in stored of the first one of the newest n messages that the model is
// shown. n does not count stored messages of which adapt leaves nothing. If n is 0, storedBefore returns
// the number of stored messages.
func (t *turn) storedBefore(stored []chat.Message, n int) int {
	for i := len(stored) - 1; i >= 0 && n > 0; i-- {
		if t.takesAll(stored[i].Parts) || len(t.adaptParts(stored[i].Parts, &adaptation{})) > 0 {
			n--
		}
		if n == 0 {
			return i
		}
	}
	return len(stored)
}

// asksShorter reports whether the turn asks its model again with fewer earlier messages, because the
// provider says that they are too long. The estimate was wrong then, or nobody said how long they may be.
// Each time it sends half of the tokens, and the last time only the new messages. So no conversation
// becomes too long to go on, however little its model takes.
func (t *turn) asksShorter(err error, shown []chat.Message) bool {
	least := 0
	if t.lastIsOpen {
		least = 1
	}
	if !fault.Is(err, fault.ContextTooLong) || t.receiving || t.contextCuts == maxContextCuts || len(shown) <= least {
		return false
	}
	t.contextCuts++
	if t.contextCuts == maxContextCuts {
		t.maxInput = onlyNew
		return true
	}
	asked := t.estimated
	if asked == 0 {
		asked = messagesTokens(shown) + messagesTokens(t.messages) + textTokens(t.prompt.Text()) + toolsTokens(t.req.Tools)
	}
	t.maxInput = asked / 2
	return true
}

// learnRatio corrects the estimates for later requests. billed is the number of input tokens that the
// provider reports for the turn's request.
func (t *turn) learnRatio(billed int64) {
	if t.estimated > 0 {
		t.bot.ratios[t.model].observe(billed, t.estimated)
	}
}

// recallBudget returns about how many tokens the memory may recall for the first model, or 0 if no bound
// is known.
func (t *turn) recallBudget() int64 {
	context := t.contextTokens()
	if context == 0 {
		return 0
	}
	ratio := t.bot.ratios[0].value()
	fixed := messagesTokens(t.messages) + textTokens(t.prompt.Text()) + toolsTokens(t.req.Tools)
	return max(int64(float64(context-t.replyTokens(context))/ratio-fixed), 1)
}
