package bot

import (
	"context"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// askedAgain is how often a turn asks the model again after the plugin's process ended
// under it. Another tenant may be what ends a process that tenants share.
const askedAgain = 2

// asksAgain reports whether the model is asked anew, after err, and puts the turn back to
// where it was before it asked. It is, a bounded number of times, when the plugin's process
// ended and the caller was shown nothing of a reply. What was spent stays spent.
func (t *turn) asksAgain(ctx context.Context, err error) bool {
	e := fault.Of(err)
	if e == nil || e.Class != fault.PluginUnavailable || e.RetryAfter > 0 || ctx.Err() != nil {
		return false // a plugin that says when to come again is known to be away for longer
	}
	if t.record.AskedAgain >= askedAgain || t.emit != nil && t.text.Len() > 0 {
		return false
	}
	t.record.AskedAgain++
	t.lost = sum(t.lost, t.spent)
	t.spent, t.said, t.parts, t.reasoning = chat.Usage{}, said{}, nil, nil
	t.text.Reset()
	t.left = newAllowance(t.bot.Limits.ReplyTokens, t.bot.Limits.ReplyBytes)
	t.record.FirstTokenMS, t.firstToken = 0, 0
	return true
}

func sum(a, b chat.Usage) chat.Usage {
	return chat.Usage{
		InputTokens: a.InputTokens + b.InputTokens, OutputTokens: a.OutputTokens + b.OutputTokens,
		CachedInputTokens: a.CachedInputTokens + b.CachedInputTokens, ReasoningTokens: a.ReasoningTokens + b.ReasoningTokens,
	}
}
