package bot

import (
	"context"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// maxModelRetries is how often a turn calls the model again if the plugin's process ended
// during the call. Tenants may share a process, so another tenant may have ended it.
const maxModelRetries = 2

// retriesModel reports whether the model is called again after err: the plugin's process
// ended, the caller has been shown no part of the reply, and there are retries left. If so,
// it throws away the part of the reply that has come. The usage of that part still counts.
func (t *turn) retriesModel(ctx context.Context, err error) bool {
	e := fault.Of(err)
	if e == nil || e.Class != fault.PluginUnavailable || e.RetryAfter > 0 || ctx.Err() != nil {
		return false // with RetryAfter the plugin is known to be away for longer
	}
	if t.record.AskedAgain >= maxModelRetries || t.emit != nil && t.reply.text.Len() > 0 {
		return false
	}
	t.record.AskedAgain++
	t.lostUsage = addUsage(t.lostUsage, t.usage)
	t.usage, t.cleaner, t.reply = chat.Usage{}, replyCleaner{}, replyBuilder{}
	t.budget = newReplyBudget(t.bot.Limits.ReplyTokens, t.bot.Limits.ReplyBytes)
	t.record.FirstTokenMS, t.firstToken = 0, 0
	return true
}

func addUsage(a, b chat.Usage) chat.Usage {
	return chat.Usage{
		InputTokens: a.InputTokens + b.InputTokens, OutputTokens: a.OutputTokens + b.OutputTokens,
		CachedInputTokens: a.CachedInputTokens + b.CachedInputTokens, ReasoningTokens: a.ReasoningTokens + b.ReasoningTokens,
	}
}
