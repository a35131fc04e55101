package ollama

import (
	"context"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// Chat implements llm.LLM.
func (m *Model) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	out, err := m.request(req)
	if err != nil {
		return nil, err
	}
	next := m.betweenTokens
	if len(out.Tools) > 0 || len(out.Format) > 0 {
		next = max(next, m.firstToken)
	}
	watched, patience, stop := m.watch(ctx, next)
	defer stop()
	called, seen := withExchange(watched, m.streamed())

	r := &reply{emit: emit, whole: !req.Stream, patience: patience}
	err = m.client.Chat(called, out, r.take)
	switch {
	case r.cut: // the receiver has as much as it may get
		return r.cutShort(), r.deliver()
	case r.done:
		if err := r.deliver(); err != nil {
			return r.finish(), err
		}
		return r.finish(), nil
	case r.emitErr != nil:
		return r.spent(), r.emitErr
	case ctx.Err() != nil:
		return r.spent(), fault.Of(ctx.Err())
	case watched.Err() != nil:
		return r.spent(), context.Cause(watched)
	}
	return r.spent(), m.failure(err, seen, m.model, "model", r.progress())
}
