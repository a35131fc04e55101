package floor

import (
	"context"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/llm"
)

// joining is a model that joins the pieces of a reply, as the server in a plugin's process does. It emits
// the first piece at once and then collects pieces for llm.CoalesceFor. It looks at the clock only when a
// piece arrives, which suffices because the echo model never pauses.
type joining struct{ model llm.LLM }

var _ llm.LLM = joining{}

// Chat implements llm.LLM.
func (j joining) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	var waiting strings.Builder
	var last time.Time
	var newest llm.Delta
	flush := func() error {
		d := newest
		d.Text = waiting.String()
		waiting.Reset()
		last = time.Now()
		return emit(d)
	}
	finish, err := j.model.Chat(ctx, req, func(d llm.Delta) error {
		waiting.WriteString(d.Text)
		newest = d
		if time.Since(last) < llm.CoalesceFor {
			return nil
		}
		return flush()
	})
	if err == nil && waiting.Len() > 0 {
		err = flush()
	}
	return finish, err
}
