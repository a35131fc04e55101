package plugins

import (
	"context"

	"github.com/botyard/botyard/host/plugins/admission"
	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// LLM gives the instance as what it generates replies with. It is an llm.Embedder
// too when the plugin has that capability.
func (i *Instance) LLM() llm.LLM {
	l := llmCaller{i}
	if process.HasCapability(i.sup.lastInfo(), llm.CapEmbed) {
		return embedCaller{l}
	}
	return l
}

type llmCaller struct{ i *Instance }

type embedCaller struct{ llmCaller }

var (
	_ llm.LLM      = llmCaller{}
	_ llm.Embedder = embedCaller{}
)

// Chat implements llm.LLM. It is bounded by ctx alone.
func (l llmCaller) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	return l.ChatFrom(ctx, req, emit, nil)
}

// ChatFrom is Chat that calls begun, once, when the call has its slot: until then it
// waits for calls before it, and not for the plugin.
func (l llmCaller) ChatFrom(ctx context.Context, req *llm.Request, emit func(llm.Delta) error, begun func()) (*llm.Finish, error) {
	var finish *llm.Finish
	var emitted bool
	var emitErr error
	var permit *admission.Permit
	guarded := func(d llm.Delta) error {
		emitted = true
		permit.AnswerBegan()
		emitErr = emit(d)
		return emitErr
	}
	o := callOptions{tenant: req.Call.Tenant, unbounded: true, begun: begun, final: func() bool { return emitted }}
	err := l.i.do(ctx, o, func(ctx context.Context, t target) (err error) {
		permit = t.permit
		finish, err = llm.NewClient(t.conn, t.id).Chat(ctx, req, guarded)
		if finish != nil {
			finish.Model = l.i.m.sanitizer.Clean(finish.Model, process.MaxNameBytes)
		}
		if err != nil && emitErr != nil {
			return &emitError{err} // the caller's, whatever its class says
		}
		return err
	})
	if own, ok := err.(*emitError); ok {
		err = own.err
	}
	return finish, err
}

// emitError hides the caller's own error from the search for broken connections.
type emitError struct{ err error }

func (e *emitError) Error() string { return e.err.Error() }

// Embed implements llm.Embedder.
func (e embedCaller) Embed(ctx context.Context, req *llm.EmbedRequest) (*llm.Embeddings, error) {
	var out *llm.Embeddings
	err := e.i.do(ctx, callOptions{tenant: req.Call.Tenant}, func(ctx context.Context, t target) (err error) {
		out, err = llm.NewClient(t.conn, t.id).Embed(ctx, req)
		return err
	})
	return out, err
}

// do is call, unless the instance was given back.
func (i *Instance) do(ctx context.Context, o callOptions, fn func(context.Context, target) error) error {
	if i.closed.Load() {
		return fault.New(fault.Internal, "the instance of the %s was given back", i.sup.ref)
	}
	if i.background {
		release, err := i.m.background.Acquire(ctx, o.tenant)
		if err != nil {
			return fault.Of(err)
		}
		defer release()
	}
	return i.placed(i.call(ctx, o, fn))
}
