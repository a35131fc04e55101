package openaillm

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/upstream"
)

// reply relays the pieces of one reply to the host, and keeps the bounds of a reply.
type reply struct {
	model *Model
	emit  func(llm.Delta) error
	ctx   context.Context
	pace  *budget.Pace   // of the events with nothing in them, which emit does not get
	kept  *upstream.Kept // keeps all texts of events that are needed after the event

	name    string // the model's name at the provider
	pieces  int64  // pieces of text, and tool calls
	parts   llm.Order
	size    int64           // bytes of the reply, with those that are held
	states  int             // bytes of its provider states
	idle    int             // events in a row that add nothing
	called  bool            // the reply has a tool call
	refused bool            // the reply has a refusal
	ids     map[string]bool // the ids of the calls so far

	usage   *chat.Usage // the provider's counts; nil as long as there are none
	emitErr error       // the error of emit
}

func newReply(ctx context.Context, m *Model, kept *upstream.Kept, emit func(llm.Delta) error) reply {
	return reply{model: m, emit: emit, ctx: ctx, kept: kept, pace: budget.NewPace(sdk.PaceCredit * time.Second), ids: map[string]bool{}}
}

// errCut is the error of a reply that exceeds sdk.MaxReplyBytes or sdk.MaxReplyParts. The plugin ends
// the reply there, with the reason length.
var errCut = errors.New("the reply is as long as one may be")

// add relays a piece, with the usage so far. It returns errCut at the bounds of a reply,
// fault.ProviderFailed for what no reply may have, or the error of emit.
func (r *reply) add(d llm.Delta) error {
	if d.IsNothing() {
		return nil
	}
	if r.size > sdk.MaxReplyBytes || r.parts.Parts() >= sdk.MaxReplyParts && !r.parts.Continues(&d) {
		return errCut
	}
	if err := d.Check(); err != nil {
		return fault.New(fault.ProviderFailed, "%s sends what no reply may have: %w", r.model.client.Server(), err)
	}
	if d.State != nil {
		n := chat.StateSize([]chat.Part{d.Part})
		if r.states+n > sdk.MaxProviderStateBytes {
			d.State = nil // the reply goes on; the model will not see this piece of its reasoning again
		} else {
			r.states += n
		}
	}
	r.size += sizeOf(&d)
	if d.Streams() && d.PieceText() != "" || d.ToolCall != nil {
		r.pieces++
	}
	r.idle = 0
	r.called = r.called || d.ToolCall != nil
	r.refused = r.refused || d.Refusal != nil
	r.parts.Add(&d)
	d.Usage = r.counted()
	if err := r.emit(d); err != nil {
		r.emitErr = err
		return err
	}
	return nil
}

// sizeOf returns by how many bytes a piece makes the reply larger. The states of texts have a bound of
// their own.
func sizeOf(d *llm.Delta) int64 {
	if !d.Streams() {
		return int64(d.Size())
	}
	n := len(d.PieceText())
	for i := range d.Citations {
		n += len(d.Citations[i].URL) + len(d.Citations[i].Title)
	}
	return int64(n)
}

// nothing counts an event that adds nothing to the reply.
func (r *reply) nothing() error {
	if r.idle++; r.idle > sdk.MaxUpstreamIdlePieces {
		return fault.New(fault.ProviderFailed, "%s sends %d events in a row with nothing in them", r.model.client.Server(), r.idle)
	}
	return r.pace.Wait(r.ctx, time.Second/sdk.MaxReplyPieceRate)
}

// hold counts n bytes that the plugin keeps before it relays them, such as the arguments of a call. It
// returns errCut if the reply is too large.
func (r *reply) hold(n int) error {
	if r.size += int64(n); r.size > sdk.MaxReplyBytes {
		return errCut
	}
	if n > 0 {
		r.idle = 0
	}
	return r.pace.Wait(r.ctx, time.Second/sdk.MaxReplyPieceRate)
}

// callID returns the id of a call. The servers that send none, or one id for several calls, get ids that
// the plugin makes, because a result needs one.
func (r *reply) callID(id string) (string, error) {
	if id == "" || r.ids[id] {
		id = "call_" + rand.Text()
	}
	if err := r.kept.Texts(&id); err != nil {
		return "", err
	}
	r.ids[id] = true
	return id, nil
}

// state returns a provider state with the data and the maker of this model.
func (r *reply) state(data []byte) *chat.ProviderState {
	return &chat.ProviderState{Maker: r.model.traits.Maker, Data: data}
}

// maxModelName is the most bytes of the model's name that are taken from a response, and maxReason those
// of a status or of the reason for an end.
const (
	maxModelName = 256
	maxReason    = 64
)

// named keeps the model's name of a response.
func (r *reply) named(name string) {
	if name != "" {
		r.name = upstream.Beginning(name, maxModelName)
	}
}

// counted returns the usage so far. As long as the provider has counted nothing, each piece counts as
// an output token, which is an estimate.
func (r *reply) counted() chat.Usage {
	if r.usage != nil {
		return *r.usage
	}
	return chat.Usage{OutputTokens: r.pieces}
}

// finish returns the end of a reply that is complete, or that the plugin ends.
func (r *reply) finish(reason llm.FinishReason) *llm.Finish {
	return &llm.Finish{Reason: reason, Usage: r.counted(), Model: r.name}
}

// spent returns the end of an incomplete reply, with the usage so far. It returns nil if nothing of the
// reply came.
func (r *reply) spent() *llm.Finish {
	if r.pieces == 0 && r.usage == nil {
		return nil
	}
	return r.finish(llm.FinishUnknown)
}
