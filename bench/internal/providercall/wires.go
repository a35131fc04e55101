package providercall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/v2/option"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
	ollama "github.com/ollama/ollama/api"
	"github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
)

// message is the user message of each call.
const message = "Say a few words."

// took says how long a call took: until the first token of the reply, and until its end.
type took struct{ first, end time.Duration }

// call makes one call and reads the reply to its end.
type call func(ctx context.Context) (took, error)

// stopwatch measures one call, which begins at began.
type stopwatch struct {
	began time.Time
	took
}

// piece notes the arrival of a piece of the reply's text.
func (s *stopwatch) piece(text string) {
	if s.first == 0 && text != "" {
		s.first = time.Since(s.began)
	}
}

// done notes the end of the call. It returns the times and err. A reply without text is an error.
func (s *stopwatch) done(err error) (took, error) {
	s.end = time.Since(s.began)
	if err == nil && s.first == 0 {
		err = errors.New("the reply has no text")
	}
	return s.took, err
}

// provider is a provider's plugin and its official client.
type provider struct {
	name   string
	config func(server string) map[string]any // returns the plugin's configuration; server is the URL of the server
	bare   func(server string) (call, error)  // returns a call by the official client
}

var providers = []provider{
	{"openai", func(server string) map[string]any {
		return map[string]any{"base_url": server + "/openai", "model": "m", "api_key": "key", "api": "chat"}
	}, bareOpenAI},
	{"anthropic", func(server string) map[string]any {
		return map[string]any{"base_url": server + "/anthropic", "model": "m", "api_key": "key"}
	}, bareAnthropic},
	{"ollama", func(server string) map[string]any {
		return map[string]any{"base_url": server + "/ollama", "model": "m", "parallel": 64}
	}, bareOllama},
}

// marshal returns the plugin's configuration as JSON.
func (p provider) marshal(server string) ([]byte, error) { return json.Marshal(p.config(server)) }

// ofPlugin returns a call through the plugin l.
func ofPlugin(l llm.LLM) call {
	return func(ctx context.Context) (took, error) {
		s := stopwatch{began: time.Now()}
		_, err := l.Chat(ctx, &llm.Request{Call: sdk.Call{Tenant: "t"}, Messages: []chat.Message{chat.Text(chat.User, message)}},
			func(d llm.Delta) error { s.piece(d.Text); return nil })
		return s.done(err)
	}
}

func bareOpenAI(server string) (call, error) {
	c := openai.NewClient(openaioption.WithBaseURL(server+"/openai"), openaioption.WithAPIKey("key"))
	return func(ctx context.Context) (took, error) {
		s := stopwatch{began: time.Now()}
		stream := c.Chat.Completions.NewStreaming(ctx, openai.ChatCompletionNewParams{
			Model: "m", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(message)},
		})
		for stream.Next() {
			for _, choice := range stream.Current().Choices {
				s.piece(choice.Delta.Content)
			}
		}
		return s.done(errors.Join(stream.Err(), stream.Close()))
	}, nil
}

func bareAnthropic(server string) (call, error) {
	c := anthropic.NewClient(anthropicoption.WithBaseURL(server+"/anthropic"), anthropicoption.WithAPIKey("key"))
	return func(ctx context.Context) (took, error) {
		s := stopwatch{began: time.Now()}
		stream := c.Messages.NewStreaming(ctx, anthropic.MessageNewParams{
			Model: "m", MaxTokens: 1000, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(message))},
		})
		for stream.Next() {
			s.piece(stream.Current().Delta.Text)
		}
		return s.done(errors.Join(stream.Err(), stream.Close()))
	}, nil
}

func bareOllama(server string) (call, error) {
	base, err := url.Parse(server + "/ollama")
	if err != nil {
		return nil, fmt.Errorf("the server's address: %w", err)
	}
	c := ollama.NewClient(base, http.DefaultClient)
	return func(ctx context.Context) (took, error) {
		s := stopwatch{began: time.Now()}
		err := c.Chat(ctx, &ollama.ChatRequest{Model: "m", Messages: []ollama.Message{{Role: "user", Content: message}}},
			func(r ollama.ChatResponse) error { s.piece(r.Message.Content); return nil })
		return s.done(err)
	}, nil
}
