package process

import (
	"context"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// recorder is a storage and an LLM that counts the calls that reach it.
type recorder struct {
	storage.Storage
	calls int
}

func (r *recorder) List(context.Context, *storage.ListRequest) (*storage.ConversationPage, error) {
	r.calls++
	return &storage.ConversationPage{}, nil
}

func (r *recorder) Chat(context.Context, *llm.Request, func(llm.Delta) error) (*llm.Finish, error) {
	r.calls++
	return &llm.Finish{Reason: llm.FinishStop}, nil
}

// TestProcess_checkFeatures checks that a request with a field of a feature reaches only a plugin
// that has the feature, in unary calls and in streams.
func TestProcess_checkFeatures(t *testing.T) {
	request := &llm.Request{Messages: []chat.Message{chat.Text(chat.User, "hi")}, Tools: []llm.Tool{{Name: "t"}}}
	for _, c := range []struct {
		name string
		call func(*recorder, ...sdk.Option) error
		has  sdk.Option
		want string
	}{
		{"unary", func(r *recorder, opts ...sdk.Option) error {
			conn := serve(t, storage.NewPlugin("p", "1", func(context.Context, struct{}, sdk.Env) (storage.Storage, error) { return r, nil }, opts...))
			_, err := storage.NewClient(conn, "i").List(t.Context(), &storage.ListRequest{Limit: 1, Wrote: true})
			return err
		}, sdk.Feature("owners"), `lacks the feature "owners", to which the field wrote of the call List belongs`},
		{"stream", func(r *recorder, opts ...sdk.Option) error {
			conn := serve(t, llm.NewPlugin("p", "1", func(context.Context, struct{}, sdk.Env) (llm.LLM, error) { return r, nil }, opts...))
			_, err := llm.NewClient(conn, "i").Chat(t.Context(), request, func(llm.Delta) error { return nil })
			return err
		}, sdk.Feature("tools"), `lacks the feature "tools", to which the field tools of the call Chat belongs`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var without, with recorder
			if err := c.call(&without); err == nil || !strings.Contains(err.Error(), c.want) || without.calls != 0 {
				t.Errorf("a plugin without the feature got %d calls: %v", without.calls, err)
			}
			if err := c.call(&with, c.has); err != nil || with.calls != 1 {
				t.Errorf("a plugin with the feature got %d calls: %v", with.calls, err)
			}
		})
	}
}
