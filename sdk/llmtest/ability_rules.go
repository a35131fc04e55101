package llmtest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// pixel is a PNG image of one pixel.
var pixel, _ = base64.StdEncoding.DecodeString(
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")

// clock is the tool in the requests of the rules about tool calls.
var clock = llm.Tool{
	Name: "clock", Description: "Tells the time in a time zone.",
	Parameters: json.RawMessage(`{"type":"object","properties":{"zone":{"type":"string","description":"The time zone."}},"required":["zone"]}`),
}

// answers calls Chat. It returns the parts of the reply, and an error if the reply is empty. what names
// the request in errors.
func (e *Env) answers(ctx context.Context, what string, req *llm.Request) ([]chat.Part, *llm.Finish, error) {
	h, finish, err := e.chat(ctx, e.LLM, req, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", what, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	parts := h.reply.Parts()
	switch {
	case finish == nil:
		return nil, nil, fmt.Errorf("%s: chat returned no finish", what)
	case len(parts) == 0:
		return nil, nil, fmt.Errorf("%s: the reply is empty", what)
	}
	return parts, finish, nil
}

// checkCallsTools makes the model call a tool, sends it the result, and then sends a request in which
// it must not call the tool. If the traits say that a call cannot be required, the model may reply
// without a call.
func checkCallsTools(ctx context.Context, env *Env) error {
	traits, known := env.traits(ctx)
	if !known || traits.Tools == nil || !traits.Tools.Calls {
		return ErrSkip
	}
	req := request("Call clock {\"zone\": \"UTC\"}")
	req.Tools = []llm.Tool{clock}
	choice := llm.ToolChoice{}
	switch {
	case traits.Tools.Named:
		choice = llm.ToolChoice{Mode: llm.ToolNamed, Name: clock.Name}
	case traits.Tools.Required:
		choice.Mode = llm.ToolRequired
	}
	req.ToolChoice = choice
	parts, finish, err := env.answers(ctx, "a tool", req)
	if err != nil {
		return err
	}
	calls, err := checkCalls(parts, finish)
	switch {
	case err != nil:
		return err
	case len(calls) == 0 && choice.Mode != llm.ToolAuto:
		return errors.New("the model was made to call a tool, and the reply has no call")
	case len(calls) == 0:
		made := chat.ToolCall{ID: "call_1", Name: clock.Name, Arguments: `{"zone":"UTC"}`}
		parts, calls = []chat.Part{{ToolCall: &made}}, []chat.ToolCall{made}
	}
	result := chat.Message{Role: chat.Tool}
	for _, call := range calls {
		result.Parts = append(result.Parts, chat.Part{ToolResult: &chat.ToolResult{ToolCallID: call.ID, Name: call.Name, Parts: []chat.Part{{Text: "12:00"}}}})
	}
	req.ToolChoice = llm.ToolChoice{}
	req.Messages = append(req.Messages, chat.Message{Role: chat.Assistant, Parts: parts}, result)
	if _, _, err := env.answers(ctx, "the result of a tool", req); err != nil {
		return err
	}
	req = request("Call clock {\"zone\": \"UTC\"}")
	req.Tools, req.ToolChoice = []llm.Tool{clock}, llm.ToolChoice{Mode: llm.ToolNone}
	if parts, _, err = env.answers(ctx, "a tool that must not be called", req); err != nil {
		return err
	}
	if slices.ContainsFunc(parts, func(p chat.Part) bool { return p.ToolCall != nil }) {
		return errors.New("the reply calls a tool, although the tool choice is none")
	}
	return nil
}

// checkCalls returns the tool calls of a reply. It returns an error for a call that the host cannot
// make.
func checkCalls(parts []chat.Part, finish *llm.Finish) (calls []chat.ToolCall, err error) {
	ids := map[string]bool{}
	for _, p := range parts {
		if p.ToolCall == nil {
			continue
		}
		c := *p.ToolCall
		var arguments map[string]json.RawMessage
		switch {
		case c.Name != clock.Name:
			return nil, fmt.Errorf("the reply calls the tool %q; the request has %q only", c.Name, clock.Name)
		case c.ID == "" || ids[c.ID]:
			return nil, fmt.Errorf("the call has the id %q; want one of its own", c.ID)
		case json.Unmarshal([]byte(c.Arguments), &arguments) != nil || arguments == nil:
			return nil, fmt.Errorf("the call has the arguments %.200q; want a JSON object", c.Arguments)
		}
		ids[c.ID] = true
		calls = append(calls, c)
	}
	if len(calls) > 0 && finish.Reason != llm.FinishToolCalls {
		return nil, fmt.Errorf("the reply has calls, and ends with the reason %s; want %s", finish.Reason, llm.FinishToolCalls)
	}
	return calls, nil
}

// checkSeesImages sends the model an image as bytes.
func checkSeesImages(ctx context.Context, env *Env) error {
	traits, known := env.traits(ctx)
	image := &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: pixel, Name: "pixel.png"}
	if !known || traits.Media == nil || !llm.TakesMedia(traits, image) {
		return ErrSkip
	}
	req := request("What is this?")
	last := &req.Messages[len(req.Messages)-1]
	last.Parts = append(last.Parts, chat.Part{Media: image})
	_, _, err := env.answers(ctx, "an image", req)
	return err
}

// checkKeepsFormats asks for a JSON object, and for JSON of a schema, as far as the traits say that the model
// can reply so.
func checkKeepsFormats(ctx context.Context, env *Env) error {
	traits, known := env.traits(ctx)
	if !known || traits.Formats == nil || !traits.Formats.JSONObject && !traits.Formats.JSONSchema {
		return ErrSkip
	}
	reply := func(what, text string, format llm.ResponseFormat) (map[string]json.RawMessage, error) {
		req := request(text)
		req.ResponseFormat = format
		parts, _, err := env.answers(ctx, what, req)
		if err != nil {
			return nil, err
		}
		said := chat.Message{Parts: parts}.Text()
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(said), &object); err != nil || object == nil {
			return nil, fmt.Errorf("%s: the reply is %.200q; want a JSON object and nothing else", what, said)
		}
		return object, nil
	}
	if traits.Formats.JSONObject {
		if _, err := reply("a JSON object", "Answer with a JSON object.", llm.ResponseFormat{Type: llm.FormatJSONObject}); err != nil {
			return err
		}
	}
	if !traits.Formats.JSONSchema {
		return nil
	}
	object, err := reply("a JSON schema", "Is water wet? Answer in JSON.", llm.ResponseFormat{
		Type: llm.FormatJSONSchema, Name: "answer", Strict: true, Schema: json.RawMessage(
			`{"type":"object","properties":{"answer":{"type":"string","enum":["yes","no"]}},"required":["answer"],"additionalProperties":false}`),
	})
	if err != nil {
		return err
	}
	if answer := string(object["answer"]); len(object) != 1 || answer != `"yes"` && answer != `"no"` {
		return fmt.Errorf("a JSON schema: the reply is %.200v; want the key answer only, with yes or no", object)
	}
	return nil
}

// checkTakesReasoning sends a conversation in which an earlier message of the model has reasoning.
func checkTakesReasoning(ctx context.Context, env *Env) error {
	traits, known := env.traits(ctx)
	if !known || traits.Reasoning == nil || !*traits.Reasoning {
		return ErrSkip
	}
	req := request("Go on.")
	req.Messages = []chat.Message{req.Messages[0], chat.Text(chat.User, "Count."), {
		Role: chat.Assistant, Parts: []chat.Part{{Reasoning: &chat.Reasoning{Text: "I count from one."}}, {Text: "One."}},
	}, req.Messages[1]}
	_, _, err := env.answers(ctx, "reasoning of an earlier message", req)
	return err
}

// checkEmbeds compares what Embed does with what the traits say of embeddings.
func checkEmbeds(ctx context.Context, env *Env) error {
	traits, known := env.traits(ctx)
	if !known || traits.Embeddings == nil {
		return ErrSkip
	}
	m, ok := env.LLM.(llm.Embedder)
	switch {
	case !ok && traits.Embeddings.Embeds:
		return errors.New("the traits say that the instance embeds texts, and it is no Embedder")
	case !ok:
		return nil
	}
	got, err := m.Embed(ctx, &llm.EmbedRequest{Call: sdk.Call{Tenant: "kit"}, Texts: []string{"a bird"}})
	if !traits.Embeddings.Embeds {
		if !fault.Is(err, fault.Unsupported) {
			return fmt.Errorf("embed by an instance whose traits say that it does not: error %v; want one of class %s", err, fault.Unsupported)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("embed: %w", err)
	}
	if want := traits.Embeddings.Dimensions; want > 0 && (len(got.Vectors) != 1 || len(got.Vectors[0]) != want) {
		return fmt.Errorf("the vectors are %s long; the traits say %d", lengths(got.Vectors), want)
	}
	return nil
}

// lengths returns the lengths of the vectors, separated by commas.
func lengths(vectors [][]float32) string {
	var all []string
	for _, v := range vectors {
		all = append(all, fmt.Sprint(len(v)))
	}
	return strings.Join(all, ", ")
}
