package anthropic

import (
	"context"
	"errors"
	"io"
	"net/http"

	api "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/upstream"
)

// eventStream is the media type of a streamed reply.
const eventStream = "text/event-stream"

// Chat implements llm.LLM. It sends the request once, because the host repeats calls.
func (m *Model) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	if err := llm.CheckRequest(req, m.traits()); err != nil {
		return nil, err
	}
	body, opts, err := m.message(req)
	if err != nil {
		return nil, err
	}
	// The context ends the response when Chat returns before the server has sent all of it.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := m.send(ctx, http.MethodPost, "v1/messages", body, opts)
	if err != nil {
		return nil, err
	}
	defer resp.Close()
	if resp.MediaType() != eventStream {
		return nil, m.noStream(resp)
	}
	return m.receive(ctx, resp, newReply(ctx, m.maker, resp.Kept(), emit))
}

// send sends a request with Anthropic's client. It returns a response with a status of success, which
// the caller closes. Any other status is an error of package fault. body may be nil.
func (m *Model) send(ctx context.Context, method, path string, body any, opts []option.RequestOption) (*upstream.Response, error) {
	var raw *http.Response
	err := m.api.Execute(ctx, method, path, body, &raw, opts...)
	var said *api.Error
	switch {
	case errors.As(err, &said):
		return nil, m.refused(refusalOf(said, m.client.Response(raw)))
	case err != nil:
		return nil, m.client.Unreachable(ctx, err)
	}
	resp := m.client.Response(raw)
	if resp.Failed() {
		defer resp.Close()
		return nil, m.noAPI(resp.Status)
	}
	return resp, nil
}

// receive relays the reply that a response streams, and returns how it ended. For a reply that is not
// complete it returns an error, and the usage so far if there is any. The caller closes the response.
func (m *Model) receive(ctx context.Context, resp *upstream.Response, r *reply) (*llm.Finish, error) {
	events := resp.Events()
	for {
		event, err := events.Next()
		if err == nil {
			err = r.take(&event)
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, errDone):
			resp.Drain()
			return r.finish(), nil
		case errors.Is(err, io.EOF) && r.complete():
			return r.finish(), nil
		case errors.Is(err, errCut): // the reply is at its bound
			f := r.finish()
			f.Reason = llm.FinishLength
			return f, nil
		case errors.Is(err, io.EOF):
			return r.spent(), resp.Interrupted()
		case r.emitErr != nil:
			return r.spent(), r.emitErr
		case ctx.Err() != nil:
			return r.spent(), fault.Of(ctx.Err())
		}
		if reported := (*reportedError)(nil); errors.As(err, &reported) {
			return r.spent(), m.reported(reported, r)
		}
		if broken := (*brokenEvent)(nil); errors.As(err, &broken) {
			return r.spent(), fault.New(fault.ProviderFailed, "%s sent an event that is none of its API: %s", m.client.Server(), m.client.Said(broken.text))
		}
		return r.spent(), err
	}
}
