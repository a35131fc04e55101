package anthropic

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	api "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/upstream"
)

// reply receives the events of one reply, and relays the reply to the host.
type reply struct {
	emit  func(llm.Delta) error
	ctx   context.Context
	pace  *budget.Pace   // of the events that add nothing, which emit does not get
	kept  *upstream.Kept // keeps all texts of events that are needed after the event
	maker string

	order   llm.Order
	blocks  map[int64]*block // the blocks that have begun and not ended, by their indexes
	called  bool             // the reply has a tool call
	model   string
	stop    api.StopReason // the reason of the end, once it is known
	usage   usage
	counts  chat.Usage // usage in the form of the protocol
	final   bool       // usage has the tokens of the whole reply
	size    int64      // bytes of all that came
	shown   int64      // bytes of text, thinking and arguments, from which tokens are estimated
	idle    int        // events in a row that add nothing
	emitErr error      // the error of emit
}

func newReply(ctx context.Context, maker string, kept *upstream.Kept, emit func(llm.Delta) error) *reply {
	return &reply{
		emit: emit, ctx: ctx, kept: kept, maker: maker, pace: budget.NewPace(sdk.PaceCredit * time.Second),
		blocks: map[int64]*block{}, usage: usage{},
	}
}

// Reasons why a reply ends.
var (
	errDone = errors.New("the reply is complete")
	errCut  = errors.New("the reply is as long as one may be")
)

// eventTime is the time that each event takes at sdk.MaxReplyPieceRate.
const eventTime = time.Second / sdk.MaxReplyPieceRate

// maxModelName is the most bytes of the model's name that are taken from a response, and maxStop those of the
// reason of the end.
const (
	maxModelName = 256
	maxStop      = 64
)

// take receives an event. It returns errDone after the last event, and errCut at the bounds of a reply.
// Another error means that the reply failed.
func (r *reply) take(e *upstream.Event) error {
	size, usages := r.size, len(r.usage)
	err := r.takeTyped(e)
	switch {
	case err != nil:
		return err
	case len(r.blocks) > sdk.MaxReplyParts:
		return errCut
	case r.size > size || len(r.usage) > usages:
		r.idle = 0
		return nil
	}
	if r.idle++; r.idle > sdk.MaxUpstreamIdlePieces {
		return fault.New(fault.ProviderFailed, "the Anthropic API sent %d events in a row with nothing in them", r.idle)
	}
	return r.pace.Wait(r.ctx, eventTime)
}

// takeTyped receives an event. It ignores types that it does not know.
func (r *reply) takeTyped(e *upstream.Event) error {
	switch typeOf(e) {
	case "error":
		return reportedBy(e.Data)
	case "message_start":
		var start api.MessageStartEvent
		if start.UnmarshalJSON(e.Data) != nil {
			return broken(e.Data)
		}
		r.model = upstream.Beginning(start.Message.Model, maxModelName)
		r.count(start.Message.Usage.RawJSON())
	case "content_block_start":
		var start api.ContentBlockStartEvent
		if start.UnmarshalJSON(e.Data) != nil || start.ContentBlock.Type == "" {
			return broken(e.Data)
		}
		return r.startBlock(start.Index, &start.ContentBlock)
	case "content_block_delta":
		var delta api.ContentBlockDeltaEvent
		if delta.UnmarshalJSON(e.Data) != nil {
			return broken(e.Data)
		}
		return r.continueBlock(delta.Index, &delta.Delta)
	case "content_block_stop":
		var stop api.ContentBlockStopEvent
		if stop.UnmarshalJSON(e.Data) != nil {
			return broken(e.Data)
		}
		return r.endBlock(stop.Index)
	case "message_delta":
		var end api.MessageDeltaEvent
		if end.UnmarshalJSON(e.Data) != nil {
			return broken(e.Data)
		}
		r.final = r.count(end.Usage.RawJSON())
		return r.takeStop(&end.Delta)
	case "message_stop":
		if err := r.endBlocks(); err != nil {
			return err
		}
		return errDone
	}
	return nil
}

// count adds the counts in the JSON text, and reports whether they have the output tokens of the reply.
func (r *reply) count(text string) bool {
	counts := usage{}
	counts.add(json.RawMessage(text))
	maps.Copy(r.usage, counts)
	r.counts = r.usage.chat()
	return counts[outputCount] > 0
}

// takeStop receives the reason for the end of the reply. It relays the explanation of a refusal as a
// part.
func (r *reply) takeStop(d *api.MessageDeltaEventDelta) error {
	if d.StopReason != "" {
		r.stop = api.StopReason(upstream.Beginning(string(d.StopReason), maxStop))
	}
	if d.StopReason != api.StopReasonRefusal || d.StopDetails.Explanation == "" {
		return nil
	}
	if err := r.endBlocks(); err != nil {
		return err
	}
	return r.piece(&block{}, llm.Delta{Part: chat.Part{Refusal: &chat.Refusal{Text: d.StopDetails.Explanation}}})
}

// endBlocks ends all blocks that the server has not ended, in the order of their indexes.
func (r *reply) endBlocks() error {
	for _, index := range slices.Sorted(maps.Keys(r.blocks)) {
		if err := r.endBlock(index); err != nil {
			return err
		}
	}
	return nil
}

// piece emits a piece of a block, with the usage so far. The first piece of a block begins a part. It
// returns errCut if the reply is too large, or the error of emit.
func (r *reply) piece(b *block, d llm.Delta) error {
	if d.IsNothing() {
		return nil
	}
	if !b.begun {
		b.begun = true
		d.Begins = r.order.Continues(&d)
	}
	r.order.Add(&d)
	grown := int64(len(d.PieceText()))
	if !d.Streams() || d.EndsPart() {
		grown = int64(d.Size())
	}
	r.shown += int64(len(d.PieceText()))
	d.Usage = r.spentUsage()
	if err := r.emit(d); err != nil {
		r.emitErr = err
		return err
	}
	r.size += grown
	return r.full()
}

// keep appends a piece of a block that comes whole, or of its signature.
func (r *reply) keep(to *strings.Builder, text string) error {
	if err := r.grow(len(text)); err != nil {
		return err
	}
	return r.kept.Append(to, text)
}

// grow counts n bytes of a block that comes whole.
func (r *reply) grow(n int) error {
	r.size, r.shown = r.size+int64(n), r.shown+int64(n)
	return r.full()
}

// full returns errCut if the reply has more than sdk.MaxReplyBytes.
func (r *reply) full() error {
	if r.size > sdk.MaxReplyBytes {
		return errCut
	}
	return nil
}

// complete reports whether the server has sent the reason for the end of the reply, and ended all
// blocks.
func (r *reply) complete() bool { return r.stop != "" && len(r.blocks) == 0 }

// finish returns the end of a reply that is complete, or that the plugin ends.
func (r *reply) finish() *llm.Finish {
	f := &llm.Finish{Model: r.model, Usage: r.counts}
	if !r.final {
		f.Usage = r.spentUsage()
	}
	switch r.stop {
	case api.StopReasonEndTurn, api.StopReasonStopSequence:
		f.Reason = llm.FinishStop
	case api.StopReasonMaxTokens, api.StopReasonModelContextWindowExceeded, api.StopReasonPauseTurn: // the model would go on
		f.Reason = llm.FinishLength
	case api.StopReasonToolUse:
		f.Reason = llm.FinishToolCalls
	case api.StopReasonRefusal:
		f.Reason = llm.FinishContentFilter
	default:
		if r.called {
			f.Reason = llm.FinishToolCalls
		}
	}
	return f
}

// bytesOfToken is about the least number of bytes of a token. The plugin estimates tokens with it,
// because the server counts the tokens of a reply only at its end.
const bytesOfToken = 3

// spentUsage returns the usage so far, with an estimate of the output tokens.
func (r *reply) spentUsage() chat.Usage {
	u := r.counts
	u.OutputTokens = max(u.OutputTokens, (r.shown+bytesOfToken-1)/bytesOfToken)
	return u
}

// spent returns the end of an incomplete reply, with the usage so far. It returns nil if there is no
// usage.
func (r *reply) spent() *llm.Finish {
	if u := r.spentUsage(); !u.IsZero() {
		return &llm.Finish{Model: r.model, Usage: u}
	}
	return nil
}
