package ollama

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// drainTimeout is how long the server may take to close its response after the end of the reply. The
// plugin can reuse the connection only if it has read the response to its end.
const drainTimeout = time.Second

// Chat implements llm.LLM.
func (m *Model) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	if err := llm.CheckRequest(req, m.traits()); err != nil {
		return nil, err
	}
	out, err := m.request(req)
	if err != nil {
		return nil, err
	}
	finish, err := m.generate(ctx, out, emit)
	if m.lacks(err, modelKey) { // nothing was emitted, because there was no reply
		if err := m.fetch(ctx, m.model, modelKey); err != nil {
			return nil, err
		}
		finish, err = m.generate(ctx, out, emit)
	}
	return finish, err
}

// generate sends a request, relays the reply, and returns how the reply ended.
func (m *Model) generate(ctx context.Context, out *api.ChatRequest, emit func(llm.Delta) error) (*llm.Finish, error) {
	called, cancel := context.WithCancel(ctx)
	defer cancel()
	called, seen := withExchange(called, m.streamed())

	r := &reply{emit: emit, ctx: called, pace: budget.NewPace(sdk.PaceCredit * time.Second)}
	drain := time.AfterFunc(drainTimeout, cancel)
	drain.Stop() // starts when the reply is complete
	defer drain.Stop()
	r.onDone = func() { drain.Reset(drainTimeout) }
	err := m.stream(called, out, r.take)
	switch {
	case r.cut: // the caller already has as many bytes as a reply may have
		return r.cutShort(), nil
	case r.done:
		return r.finish(), nil
	case r.emitErr != nil:
		return r.spent(), r.emitErr
	case ctx.Err() != nil:
		return r.spent(), fault.Of(ctx.Err())
	}
	return r.spent(), m.failure(err, seen, m.model, modelKey, r.progress())
}
