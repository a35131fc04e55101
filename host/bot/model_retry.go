package bot

import (
	"context"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// maxModelRetries is how often a turn calls a model again after the plugin's process ended
// during a call. Tenants may share a process, so a call of another tenant may have crashed it.
const maxModelRetries = 2

// retriesModel reports whether the turn calls the model again after err. The turn calls again
// if the plugin's process ended, the caller has seen no part of the reply, and the turn has
// retries left. Then retriesModel discards the part of the reply that has arrived. The usage of
// that part still counts. finish may be nil.
func (t *turn) retriesModel(ctx context.Context, finish *llm.Finish, err error) bool {
	e := fault.Of(err)
	if e == nil || e.Class != fault.PluginUnavailable || e.RetryAfter > 0 || ctx.Err() != nil {
		return false // an error with RetryAfter means that the plugin stays unavailable for longer
	}
	if t.askedAgain >= maxModelRetries || t.emit != nil && t.shown {
		return false
	}
	t.askedAgain++
	t.record.AskedAgain++
	t.dropReply(finish)
	return true
}
