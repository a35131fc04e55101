package ollama

import (
	"crypto/rand"
	"errors"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// reply follows one stream.
type reply struct {
	emit   func(llm.Delta) error
	whole  bool   // wanted in one delta
	onDone func() // called once at the end of the reply

	text, thinking strings.Builder // of a whole reply
	calls          []chat.ToolCall // of a whole reply

	pieces  int64 // with something in them
	called  bool  // a tool call was among them
	model   string
	size    int64 // of all that was passed on
	idle    int   // pieces with nothing in them, at a stretch
	cut     bool  // more came than a reply may have
	done    bool
	last    api.ChatResponse // the one with done
	emitErr error
}

// take is the api.ChatResponseFunc.
func (r *reply) take(resp api.ChatResponse) error {
	if r.done {
		return errAfterDone // nothing follows the end, and who goes on is not waited for
	}
	if resp.Model != "" {
		r.model = resp.Model[:min(len(resp.Model), maxModelName)]
	}
	d := llm.Delta{Text: resp.Message.Content, Reasoning: resp.Message.Thinking, ToolCalls: toolCalls(resp.Message.ToolCalls)}
	if d.Text != "" || d.Reasoning != "" || len(d.ToolCalls) > 0 {
		r.pieces++
		r.called = r.called || len(d.ToolCalls) > 0
		r.idle = 0
		d.Usage = chat.Usage{OutputTokens: r.pieces} // until done tells better
		if err := r.pass(d); err != nil {
			r.emitErr = err
			return err
		}
		if r.size += sizeOf(d); r.size > sdk.MaxReplyBytes && !resp.Done {
			r.cut = true
			return errCut
		}
	} else if r.idle++; r.idle > sdk.MaxUpstreamIdlePieces {
		return fault.New(fault.ProviderFailed, "the Ollama server sent %d pieces in a row with nothing in them", r.idle)
	}
	if resp.Done {
		r.done, r.last = true, resp
		r.onDone()
	}
	return nil
}

func (r *reply) pass(d llm.Delta) error {
	if !r.whole {
		return r.emit(d)
	}
	r.text.WriteString(d.Text)
	r.thinking.WriteString(d.Reasoning)
	r.calls = append(r.calls, d.ToolCalls...)
	return nil
}

// maxModelName bounds what a server calls its model.
const maxModelName = 256

// callOverhead is what a tool call counts beside its texts.
const callOverhead = 256

var (
	errAfterDone = errors.New("the server sends more after the end of the reply")
	errCut       = errors.New("the reply is as long as one may be")
)

func sizeOf(d llm.Delta) int64 {
	n := len(d.Text) + len(d.Reasoning)
	for _, c := range d.ToolCalls {
		n += len(c.ID) + len(c.Name) + len(c.Arguments) + callOverhead
	}
	return int64(n)
}

// cutShort is the finish of a reply that was cut.
func (r *reply) cutShort() *llm.Finish {
	f := r.finish()
	f.Reason = llm.FinishLength
	return f
}

// deliver emits a whole reply; a streamed one is with its receiver already.
func (r *reply) deliver() error {
	if !r.whole || r.pieces == 0 {
		return nil
	}
	return r.emit(llm.Delta{Text: r.text.String(), Reasoning: r.thinking.String(), ToolCalls: r.calls})
}

func (r *reply) finish() *llm.Finish {
	f := &llm.Finish{Model: r.model, Usage: chat.Usage{
		InputTokens: int64(r.last.PromptEvalCount), OutputTokens: int64(r.last.EvalCount),
	}}
	if r.last.EvalCount == 0 { // what is between us and the server left it out, if there was a piece
		f.Usage.OutputTokens = r.pieces
	}
	switch {
	case r.called:
		f.Reason = llm.FinishToolCalls
	case r.last.DoneReason == "length":
		f.Reason = llm.FinishLength
	case r.last.DoneReason == "stop", r.last.DoneReason == "": // servers before 0.1.45 give none
		f.Reason = llm.FinishStop
	}
	return f
}

// spent is the finish of a reply that has none: what is known of its usage, or nil.
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
		if id == "" { // older servers leave it out, and results refer to it
			id = "call_" + rand.Text()
		}
		out = append(out, chat.ToolCall{ID: id, Name: c.Function.Name, Arguments: c.Function.Arguments.String()})
	}
	return out
}

// progress is how far the reply came.
func (r *reply) progress() progress {
	switch {
	case r.pieces > 0:
		return partOfReply
	case r.model != "":
		return ofTheAPI
	}
	return nothing
}
