package ollama

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// reply receives the stream of one reply and relays it.
type reply struct {
	emit   func(llm.Delta) error
	onDone func() // called once when the reply is complete
	ctx    context.Context
	pace   *budget.Pace // of the pieces that are empty, which emit does not get

	pieces  int64 // number of pieces that were not empty
	called  bool  // a piece had a tool call
	model   string
	size    int64 // size of all pieces, see sizeOf
	idle    int   // number of empty pieces in a row
	cut     bool  // the server sent more than a reply may have
	done    bool
	last    ending
	emitErr error
}

// ending is what the plugin needs of the response with the field done, of which it keeps nothing else.
type ending struct {
	reason        string
	input, output int // tokens
}

// take receives one response of the stream. It is the api.ChatResponseFunc of the call.
func (r *reply) take(resp api.ChatResponse) error {
	if r.done {
		return errAfterDone // ends the call; the reply is complete, so the plugin does not wait for further responses
	}
	if resp.Model != "" {
		r.model = beginning(resp.Model, maxModelName)
	}
	pieces := piecesOf(&resp.Message)
	if len(pieces) > 0 {
		r.pieces++
		r.called = r.called || len(resp.Message.ToolCalls) > 0
		r.idle = 0
		for _, d := range pieces {
			d.Usage = chat.Usage{OutputTokens: r.pieces} // the pieces so far; the final count comes with done
			if err := r.emit(d); err != nil {
				r.emitErr = err
				return err
			}
			r.size += sizeOf(&d)
		}
		if r.size > sdk.MaxReplyBytes && !resp.Done {
			r.cut = true
			return errCut
		}
	} else if r.idle++; r.idle > sdk.MaxUpstreamIdlePieces {
		return fault.New(fault.ProviderFailed, "the Ollama server sent %d pieces in a row with nothing in them", r.idle)
	} else if err := r.pace.Wait(r.ctx, pieceTime); err != nil {
		return err
	}
	if resp.Done {
		r.done = true
		r.last = ending{reason: beginning(resp.DoneReason, maxDoneReason), input: resp.PromptEvalCount, output: resp.EvalCount}
		r.onDone()
	}
	return nil
}

// sizeOf returns by how many bytes the piece makes the reply larger.
func sizeOf(d *llm.Delta) int64 {
	if d.Streams() {
		return int64(len(d.PieceText()))
	}
	return int64(d.Size())
}

// piecesOf returns what a response adds to the reply. Ollama sends the reasoning of a reply before its
// text, and the text before the calls of tools.
func piecesOf(m *api.Message) []llm.Delta {
	pieces := make([]llm.Delta, 0, 2)
	if m.Thinking != "" {
		pieces = append(pieces, llm.Reasoning(m.Thinking))
	}
	if m.Content != "" {
		pieces = append(pieces, llm.Text(m.Content))
	}
	for _, c := range toolCalls(m.ToolCalls) {
		pieces = append(pieces, llm.ToolCall(c))
	}
	return pieces
}

// pieceTime is the time that a piece of a reply takes at the greatest pace.
const pieceTime = time.Second / sdk.MaxReplyPieceRate

// maxModelName is the most bytes of the model's name that are taken from a response, and maxDoneReason those of
// the reason for its end.
const (
	maxModelName  = 256
	maxDoneReason = 64
)

// beginning returns a copy of the first bytes of a text, most at most. A part of the text itself would keep
// all of it in memory.
func beginning(text string, most int) string { return strings.Clone(text[:min(len(text), most)]) }

var (
	errAfterDone = errors.New("the server sends more after the end of the reply")
	errCut       = errors.New("the reply is as long as one may be")
)

// cutShort returns the finish of a reply that was cut because it was too long.
func (r *reply) cutShort() *llm.Finish {
	f := r.finish()
	f.Reason = llm.FinishLength
	return f
}

func (r *reply) finish() *llm.Finish {
	f := &llm.Finish{Model: r.model, Usage: chat.Usage{
		InputTokens: max(0, int64(r.last.input)), OutputTokens: int64(r.last.output),
	}}
	if r.last.output <= 0 { // a proxy may have removed the count, so the pieces count as tokens
		f.Usage.OutputTokens = r.pieces
	}
	switch {
	case r.called:
		f.Reason = llm.FinishToolCalls
	case r.last.reason == "length":
		f.Reason = llm.FinishLength
	case r.last.reason == "stop", r.last.reason == "": // Ollama before 0.1.45 gives no reason
		f.Reason = llm.FinishStop
	}
	return f
}

// spent returns the finish of an incomplete reply, with the number of tokens so far. It returns nil if no
// token arrived.
func (r *reply) spent() *llm.Finish {
	if r.pieces == 0 {
		return nil
	}
	return &llm.Finish{Model: r.model, Usage: chat.Usage{OutputTokens: r.pieces}}
}

func toolCalls(calls []api.ToolCall) []chat.ToolCall {
	if len(calls) == 0 {
		return nil
	}
	out := make([]chat.ToolCall, 0, len(calls))
	for _, c := range calls {
		id := c.ID
		if id == "" { // Ollama's older versions give no id, but a tool result needs one
			id = "call_" + rand.Text()
		}
		arguments := "{}" // also for null
		if c.Function.Arguments.Len() > 0 {
			arguments = c.Function.Arguments.String()
		}
		out = append(out, chat.ToolCall{ID: id, Name: c.Function.Name, Arguments: arguments})
	}
	return out
}

// progress returns how much of the reply arrived.
func (r *reply) progress() progress {
	switch {
	case r.pieces > 0:
		return partOfReply
	case r.model != "":
		return ofTheAPI
	}
	return nothing
}
