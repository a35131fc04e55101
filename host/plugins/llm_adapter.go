package plugins

import (
	"context"

	"github.com/botyard/botyard/host/plugins/admission"
	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
)

// LLM returns the instance as an llm.LLM. The result also implements llm.Embedder if the
// plugin has the feature feature.Embed.
func (i *Instance) LLM() llm.LLM {
	l := llmCaller{i}
	if process.HasFeature(i.sup.lastInfo(), feature.Embed) {
		return embedCaller{l}
	}
	return l
}

type llmCaller struct{ i *Instance }

type embedCaller struct{ llmCaller }

var (
	_ llm.LLM          = llmCaller{}
	_ sdk.LLMDescriber = llmCaller{}
	_ llm.Embedder     = embedCaller{}
)

// LLMTraits implements sdk.LLMDescriber. It makes no call, because the plugin states its traits
// when the instance is configured.
func (l llmCaller) LLMTraits(context.Context) sdk.LLMTraits {
	if t := l.i.traits.Load(); t != nil {
		return *t
	}
	return sdk.LLMTraits{}
}

// Plugin returns "NAME VERSION" of the plugin.
func (l llmCaller) Plugin() string {
	ref := l.i.Plugin()
	return ref.Name + " " + ref.Version
}

// HasFeature reports whether the plugin has the feature.
func (l llmCaller) HasFeature(name string) bool {
	return process.HasFeature(l.i.sup.lastInfo(), name)
}

// Chat implements llm.LLM. It has no call timeout, only the deadline of ctx.
func (l llmCaller) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	return l.ChatFrom(ctx, req, emit, nil)
}

// ChatFrom is Chat with a callback. It calls begun once, when the call has its slot. Before
// that, the call waits for other calls and not for the plugin. begun may be nil.
func (l llmCaller) ChatFrom(ctx context.Context, req *llm.Request, emit func(llm.Delta) error, begun func()) (*llm.Finish, error) {
	r := &reply{emit: emit}
	o := callOptions{tenant: req.Call.Tenant, unbounded: true, begun: begun, final: r.hasBegun}
	err := l.i.call(ctx, o, func(ctx context.Context, t target) (err error) {
		r.permit = t.permit
		r.finish, err = llm.NewClient(t.conn, t.id).Chat(ctx, req, r.pass)
		if r.finish != nil {
			r.finish.Model = l.i.m.sanitizer.Clean(r.finish.Model, process.MaxNameBytes)
		}
		if err != nil && r.refused != nil {
			return &callerError{err}
		}
		return err
	})
	if own, ok := err.(*callerError); ok {
		err = own.err
	}
	return r.finish, err
}

// reply is a reply on its way from the plugin to the caller.
type reply struct {
	emit    func(llm.Delta) error
	permit  *admission.Permit
	begun   bool  // whether the caller has got a piece
	refused error // the error of emit
	finish  *llm.Finish
}

func (r *reply) hasBegun() bool { return r.begun }

// pass gives the caller a piece.
func (r *reply) pass(d llm.Delta) error {
	r.begun = true
	r.permit.AnswerBegan()
	r.refused = r.emit(d)
	return r.refused
}

// callerError wraps an error of the caller's emit function. The error passed through the
// plugin's client, but the plugin did not cause it, and it does not mean that the
// connection is lost.
type callerError struct{ err error }

func (e *callerError) Error() string { return e.err.Error() }

// Embed implements llm.Embedder.
func (e embedCaller) Embed(ctx context.Context, req *llm.EmbedRequest) (*llm.Embeddings, error) {
	return invoke(ctx, e.i, callOptions{tenant: req.Call.Tenant}, llm.NewClient, func(ctx context.Context, c *llm.Client) (*llm.Embeddings, error) {
		return c.Embed(ctx, req)
	})
}
