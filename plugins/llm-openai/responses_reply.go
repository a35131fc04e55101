package openaillm

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/upstream"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
)

// The types of the items of a response that the plugin knows.
const (
	typeMessage    = "message"
	typeReasoning  = "reasoning"
	typeCall       = "function_call"
	typeCustomCall = "custom_tool_call"
)

// chatByResponses generates a reply with the Responses API. If the server cannot read the reasoning in
// the request, it sends the request once more without reasoning.
func (m *Model) chatByResponses(ctx context.Context, s *settings, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	called, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := m.sendResponses(called, s, req, m.keepsReasoning())
	if errors.Is(err, errUnreadable) {
		// The API key belongs to another account than the reasoning, or the server has lost the key of the
		// encryption. The server would refuse every further request of the conversation.
		resp, err = m.sendResponses(called, s, req, false)
	}
	if err != nil {
		return nil, err
	}
	return receive(ctx, cancel, resp, &responsesReply{reply: newReply(called, m, resp.Kept(), emit), items: -1, content: -1, summary: -1})
}

// sendResponses sends a request of the Responses API. keep says whether it has the model's reasoning of
// earlier turns. The caller closes the response.
func (m *Model) sendResponses(ctx context.Context, s *settings, req *llm.Request, keep bool) (*upstream.Response, error) {
	params, err := m.responsesParams(s, req, keep)
	if err != nil {
		return nil, err
	}
	return m.send(ctx, &call{
		model: m.Model, key: "model", accept: eventStream,
		do: func(ctx context.Context, options ...option.RequestOption) error {
			return m.api.responses.NewStreaming(ctx, *params, options...).Err()
		},
	})
}

// responsesReply receives the events of a response.
type responsesReply struct {
	reply
	items   int64  // the index of the item of the newest text, or -1
	content int64  // the index of that text in it
	summary int64  // the index of the newest summary of reasoning, or -1
	texts   int    // pieces of text and refusal of the newest item
	any     bool   // an item came
	status  string // the status of a response that has ended; "" until then
	why     string // why the response is incomplete
}

func (r *responsesReply) base() *reply { return &r.reply }

// take implements taker. It ignores events that it does not know, such as those of tools that the
// plugin does not ask for.
func (r *responsesReply) take(e *responses.ResponseStreamEventUnion) error {
	if r.status != "" {
		return nil // the reply is complete
	}
	r.named(e.Response.Model)
	switch e.Type {
	case "response.output_text.delta":
		return r.text(e, llm.Text(e.Delta))
	case "response.refusal.delta":
		return r.text(e, llm.Delta{Part: chat.Part{Refusal: &chat.Refusal{Text: e.Delta}}})
	case "response.reasoning_summary_text.delta":
		text := e.Delta
		if r.summary >= 0 && e.SummaryIndex != r.summary {
			text = "\n\n" + text
		}
		r.summary = e.SummaryIndex
		return r.add(llm.Reasoning(text))
	case "response.reasoning_text.delta":
		return r.add(llm.Reasoning(e.Delta))
	case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
		return r.wait(len(e.Delta))
	case "response.output_item.added":
		r.texts, r.summary = 0, -1
		r.any = true
	case "response.output_item.done":
		r.any = true
		return r.item(&e.Item)
	case "response.completed", "response.incomplete":
		return r.complete(&e.Response)
	case "response.failed":
		return r.failed(&e.Response)
	case "error":
		return r.model.reported(parseSaid([]byte(e.RawJSON())))
	}
	return nil
}

// wait slows the pieces of a call's arguments, of n bytes, and keeps none of them. The item of the call
// comes later as a whole.
func (r *responsesReply) wait(n int) error {
	err := r.hold(n)
	r.size -= int64(n)
	return err
}

// text relays a piece of a text or of a refusal. A piece with other indexes than the last one begins a
// part.
func (r *responsesReply) text(e *responses.ResponseStreamEventUnion, d llm.Delta) error {
	if d.IsNothing() {
		return nil
	}
	if e.OutputIndex != r.items || e.ContentIndex != r.content {
		d.Begins = true
		r.items, r.content = e.OutputIndex, e.ContentIndex
	}
	r.texts++
	return r.add(d)
}

// item relays what a complete item adds to the pieces that came before it.
func (r *responsesReply) item(i *responses.ResponseOutputItemUnion) error {
	switch i.Type {
	case typeMessage:
		return r.message(i)
	case typeReasoning:
		return r.reasoning(i)
	case typeCall, typeCustomCall:
		return r.call(i)
	}
	// What the plugin does not know goes back unchanged with the next request.
	return r.add(llm.Delta{Part: chat.Part{
		Other: &chat.Other{Type: "openai." + i.Type, Data: []byte(i.RawJSON())}, State: r.itemState(itemState{Type: i.Type, Item: json.RawMessage(i.RawJSON())}),
	}})
}

// call relays the call of a tool.
func (r *responsesReply) call(i *responses.ResponseOutputItemUnion) error {
	id, err := r.callID(i.CallID)
	if err != nil {
		return err
	}
	d := llm.ToolCall(chat.ToolCall{ID: id, Name: i.Name})
	if i.Type == typeCustomCall {
		d.ToolCall.Arguments = text(i.JSON.Input.Raw())
		d.State = r.itemState(itemState{Type: typeCustomCall})
	} else {
		d.ToolCall.Arguments = argumentsOf(&chat.ToolCall{Arguments: text(i.JSON.Arguments.Raw())})
	}
	return r.add(d)
}

// text returns a JSON text, or "".
func text(raw string) string { return plain(json.RawMessage(raw)) }

// itemState returns the provider state of an item.
func (r *responsesReply) itemState(s itemState) *chat.ProviderState {
	data, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	return r.state(data)
}

// message relays what a complete message adds: its texts if they did not come in pieces, its citations
// and its phase.
func (r *responsesReply) message(i *responses.ResponseOutputItemUnion) error {
	var body struct {
		Phase   string
		Content []struct {
			Type, Text, Refusal string
			Annotations         json.RawMessage
		}
	}
	_ = json.Unmarshal([]byte(i.RawJSON()), &body)
	var cited []chat.Citation
	refusal := false
	for _, c := range body.Content {
		cited = append(cited, citations(string(c.Annotations), maxCitations-len(cited))...)
		refusal = c.Type == "refusal"
		if r.texts > 0 {
			continue
		}
		d := llm.Text(c.Text)
		if refusal {
			d = llm.Delta{Part: chat.Part{Refusal: &chat.Refusal{Text: c.Refusal}}}
		}
		d.Begins = true
		if err := r.add(d); err != nil {
			return err
		}
	}
	end := llm.Delta{Part: chat.Part{Citations: cited}}
	if refusal {
		return nil
	}
	if body.Phase != "" && len(body.Content) > 0 {
		end.State = r.itemState(itemState{Type: typeMessage, Phase: body.Phase[:min(len(body.Phase), 64)]})
	}
	if !end.EndsPart() {
		return nil
	}
	return r.add(end)
}

// reasoning relays what a complete item of reasoning adds: its provider state, and its text if that did
// not come in pieces.
func (r *responsesReply) reasoning(i *responses.ResponseOutputItemUnion) error {
	var item map[string]json.RawMessage
	_ = json.Unmarshal([]byte(i.RawJSON()), &item)
	delete(item, "status") // belongs to answers only
	d := llm.Reasoning("")
	if r.summary < 0 && !r.parts.Continues(&d) {
		var texts []struct{ Text string }
		_ = json.Unmarshal(item["summary"], &texts)
		var all []string
		for _, t := range texts {
			all = append(all, t.Text)
		}
		d = llm.Reasoning(strings.Join(all, "\n\n"))
	}
	r.summary = -1
	if raw, err := json.Marshal(item); err == nil && len(item["encrypted_content"]) > len(`""`) && string(item["encrypted_content"]) != "null" {
		d.State = r.itemState(itemState{Type: typeReasoning, Item: raw})
	}
	return r.add(d)
}

// complete receives a response that has ended. It relays the items of the response if none came before.
func (r *responsesReply) complete(response *responses.Response) error {
	if u := usageOf(response.JSON.Usage.Raw()); u != nil {
		r.usage = u
	}
	if !r.any { // the server sends the response as a whole only
		for i := range response.Output {
			if err := r.item(&response.Output[i]); err != nil {
				return err
			}
		}
	}
	r.status = upstream.Beginning(string(response.Status), maxReason)
	r.why = upstream.Beginning(response.IncompleteDetails.Reason, maxReason)
	if r.status == "" {
		r.status = "completed"
	}
	return nil
}

// failed returns the error of a response that failed.
func (r *responsesReply) failed(response *responses.Response) error {
	if u := usageOf(response.JSON.Usage.Raw()); u != nil {
		r.usage = u
	}
	text := response.RawJSON()
	if failure := response.JSON.Error.Raw(); strings.HasPrefix(failure, "{") {
		text = `{"error":` + failure + `}` // without what the response repeats of the request
	}
	s := parseSaid([]byte(text))
	if !s.isError {
		return fault.New(fault.ProviderFailed, "%s reported that the response failed", r.model.client.Server())
	}
	return r.model.reported(s)
}

// ended implements taker.
func (r *responsesReply) ended(streamEnd) *llm.Finish {
	switch {
	case r.status == "":
		return nil
	case r.why == "max_output_tokens":
		return r.finish(llm.FinishLength)
	case r.why == "content_filter":
		return r.finish(llm.FinishContentFilter)
	case r.status == "incomplete":
		return r.finish(llm.FinishUnknown)
	case r.called:
		return r.finish(llm.FinishToolCalls)
	}
	return r.finish(llm.FinishStop)
}
