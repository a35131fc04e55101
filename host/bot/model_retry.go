package bot

import (
	"context"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// maxModelRetries is how often a turn calls the model again after the plugin's process ended
// during a call. Tenants may share a process, so a call of another tenant may have crashed it.
const maxModelRetries = 2

// retriesModel reports whether the turn calls the model again after err. The turn calls again
// if the plugin's process ended, the caller has seen no part of the reply, and the turn has
// retries left. Then retriesModel discards the part of the reply that has arrived. The usage of
// that part still counts.
func (t *turn) retriesModel(ctx context.Context, err error) bool {
	e := fault.Of(err)
	if e == nil || e.Class != fault.PluginUnavailable || e.RetryAfter > 0 || ctx.Err() != nil {
		return false // an error with RetryAfter means that the plugin stays unavailable for longer
	}
	if t.record.AskedAgain >= maxModelRetries || t.emit != nil && t.shown {
		return false
	}
	t.record.AskedAgain++
	t.lostUsage = t.lostUsage.Add(t.usage)
	t.usage, t.cleaner, t.reply = chat.Usage{}, replyCleaner{}, llm.Joiner{}
	t.budget = newReplyBudget(t.bot.Limits.ReplyTokens, t.bot.Limits.ReplyBytes)
	t.record.FirstTokenMS, t.firstToken, t.shown = 0, 0, false
	return true
}
