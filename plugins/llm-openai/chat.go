package openaillm

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/upstream"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
)

// usageTimeout is how long the plugin waits, after a reply is complete, for the count of tokens and for
// the end of the response.
const usageTimeout = 5 * time.Second

// Chat implements llm.LLM.
func (m *Model) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	if err := llm.CheckRequest(req, m.traits); err != nil {
		return nil, err
	}
	if len(req.Messages) == 0 {
		return nil, fault.New(fault.Invalid, "expected at least one").At("messages")
	}
	s, err := m.overridden(req.Overrides)
	if err != nil {
		return nil, err
	}
	if m.responses {
		return m.chatByResponses(ctx, &s, req, emit)
	}
	params, err := m.chatParams(&s, req)
	if err != nil {
		return nil, err
	}
	called, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := m.send(called, &call{
		model: m.Model, key: "model", accept: eventStream,
		do: func(ctx context.Context, options ...option.RequestOption) error {
			return m.api.chat.NewStreaming(ctx, *params, options...).Err()
		},
	})
	if err != nil {
		return nil, err
	}
	r := &chatReply{reply: newReply(called, m, resp.Kept(), emit), keep: m.keepsReasoning()}
	return receive(ctx, cancel, resp, r)
}

// taker receives the events of one reply, one after the other.
type taker[Event any] interface {
	// take receives an event.
	take(e *Event) error
	// ended returns how the reply ended, or nil as long as it is not complete. end says how the stream
	// ended. It is the zero value as long as the stream goes on.
	ended(end streamEnd) *llm.Finish
	// base returns what the replies of both APIs have in common.
	base() *reply
}

// streamEnd says how a stream ended. marked says that it ended with [DONE], the mark of chat
// completions.
type streamEnd struct{ marked bool }

// receive relays the reply that a response streams, and returns how it ended. For a reply that is not
// complete it returns an error, and the usage so far if a part of the reply has come. cancel ends the
// request. receive closes the response.
func receive[Event any](ctx context.Context, cancel func(), resp *upstream.Response, t taker[Event]) (*llm.Finish, error) {
	r := t.base()
	if resp.MediaType() == jsonType {
		defer resp.Close()
		return nil, r.model.notStreamed(resp)
	}
	d := &decoder{events: resp.Events(), response: resp}
	stream := ssestream.NewStream[Event](d, nil)
	defer func() { _ = stream.Close() }()
	late := time.AfterFunc(usageTimeout, cancel)
	late.Stop() // starts when the reply is complete
	defer late.Stop()
	complete := false
	var err error
	for stream.Next() {
		event := stream.Current()
		before := r.pieces + r.size
		if err = t.take(&event); err == nil && r.pieces+r.size == before && !complete {
			err = r.nothing()
		}
		if err != nil {
			break
		}
		if !complete && t.ended(streamEnd{}) != nil {
			complete = true
			late.Reset(usageTimeout)
		}
	}
	if err == nil {
		err = stream.Err()
	}
	switch finish := t.ended(streamEnd{marked: d.done}); {
	case errors.Is(err, errCut):
		return r.finish(llm.FinishLength), nil
	case r.emitErr != nil:
		return r.spent(), r.emitErr
	case finish != nil:
		return finish, nil // what breaks off after the end of the reply does not matter
	case ctx.Err() != nil:
		return r.spent(), fault.Of(ctx.Err())
	case err == nil && !d.came && resp.MediaType() != eventStream:
		return nil, r.model.noAPI(resp.Status)
	case err == nil:
		return r.spent(), resp.Interrupted()
	}
	return r.spent(), r.model.brokenOff(err)
}

// notStreamed returns the error for a response in JSON instead of a stream of events: the error that
// the JSON reports, or else fault.ProviderFailed.
func (m *Model) notStreamed(resp *upstream.Response) error {
	body, err := resp.ReadAll(sdk.MaxUpstreamErrorBytes)
	if err == nil {
		if said := parseSaid(body); said.isError {
			return m.reported(said)
		}
	}
	return fault.New(fault.ProviderFailed, "%s answered as a whole; expected a stream of events", m.client.Server()).Upstream(resp.Status)
}

// brokenOff returns the error of a reply whose stream ended with err before the reply was complete.
func (m *Model) brokenOff(err error) error {
	var failed *ssestream.StreamError
	if errors.As(err, &failed) {
		return m.reported(parseSaid(failed.Event.Data))
	}
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return f
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &kind) {
		return fault.New(fault.ProviderFailed, "%s sends an event that is not of the API: %s", m.client.Server(), m.client.Said(err.Error()))
	}
	return fault.New(fault.ProviderFailed, "the stream of %s cannot be read: %s", m.client.Server(), m.client.Said(err.Error()))
}
