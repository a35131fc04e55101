package floor

import (
	"context"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/llm"
)

// joining relays the first piece of a reply at once and joins later ones for up to llm.CoalesceFor, as
// the server in a plugin's process does. It checks the time only when a token comes, since the models
// here never pause.
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
