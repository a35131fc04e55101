package bot

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// toolless is a model whose plugin takes no tools, and no images.
type toolless struct{ scriptLLM }

func (*toolless) HasFeature(string) bool { return false }

func (*toolless) LLMTraits(context.Context) sdk.LLMTraits {
	return sdk.LLMTraits{Media: []sdk.MediaKind{}}
}

// featureless is a storage with no optional feature.
type featureless struct{ *logStorage }

func (featureless) HasFeature(string) bool { return false }

// TestCheck_repetitionAfterAChange checks that a repeated request gets the reply of its turn although the
// settings or the plugins would refuse the request now, and that a new request is refused without
// beginning anything.
func TestCheck_repetitionAfterAChange(t *testing.T) {
	picture := chat.Message{Role: chat.User, Parts: []chat.Part{{Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte("png")}}}}
	long, _ := json.Marshal(map[string]string{"plan": strings.Repeat("x", bounds.PromptMetadataAllBytes+1)})
	for name, c := range map[string]struct {
		req   Request
		now   func(*Parts) // what applies when the request is repeated
		class fault.Class
		path  string
	}{
		"the prompt is gone":        {Request{Message: "hi", Prompt: "x"}, withPrompts("plain", nil, nil), fault.Invalid, "prompt"},
		"the prompt shows metadata": {Request{Message: "hi", Metadata: long}, withPrompts("{{metadata.plan}}", nil, map[string]string{"plan": ""}), fault.Invalid, "metadata.plan"},
		"the limit is lower":        {Request{Message: "hi there"}, func(p *Parts) { p.Limits.MessageBytes = 5 }, fault.Invalid, "message"},
		"no tools any more":         {Request{Message: "hi", Tools: []llm.Tool{{Name: "look", Parameters: json.RawMessage(`{}`)}}}, func(p *Parts) { p.LLM = &toolless{} }, fault.Unsupported, "tools"},
		"no images any more":        {Request{Messages: []chat.Message{picture}}, func(p *Parts) { p.LLM = &toolless{} }, fault.Unsupported, "messages.0.parts.0"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &logStorage{}
			before := newTestBot(s, &scriptLLM{words: []string{"ok"}}, withPrompts("plain", map[string]string{"x": "named"}, nil))
			after := newTestBot(s, &scriptLLM{words: []string{"no"}}, c.now)
			c.req.ConversationID, c.req.IdempotencyKey = "c", "k"
			first, err := before.Chat(t.Context(), c.req, nil)
			if err != nil {
				t.Fatal(err)
			}
			again, err := after.Chat(t.Context(), c.req, nil)
			if err != nil || !again.Replayed || again.Turn != first.Turn || again.Text != "ok" {
				t.Fatalf("the repetition got %+v, %v", again, err)
			}
			if got := begun(t, after, s, c.req, "another"); got.Class != c.class || !strings.HasPrefix(got.Path.String(), c.path) {
				t.Errorf("a new request got %v at %s", got, got.Path)
			}
			other := c.req
			other.RetractFrom = 1 // another request with the key
			if got := begun(t, after, s, other, "k"); got.Class != c.class {
				t.Errorf("another request with the key got %v", got)
			}
			other.ConversationID = "new"
			if got := begun(t, after, s, other, "k"); got.Class != c.class {
				t.Errorf("the first request of a conversation got %v", got)
			}
		})
	}
}

// begun sends a request with the key, which must be refused, and returns the refusal. It checks that no
// turn was begun and nothing retracted.
func begun(t *testing.T, b *Bot, s *logStorage, req Request, key string) *fault.Error {
	t.Helper()
	req.IdempotencyKey = key
	_, err := b.Chat(t.Context(), req, nil)
	if err == nil {
		t.Fatal("the request was not refused")
	}
	if turns := s.turns(t); len(turns) != 1 || turns[0].Retracted || turns[0].State != storage.Succeeded {
		t.Errorf("the conversation has %+v", turns)
	}
	if page, err := s.List(t.Context(), &storage.ListRequest{Call: sdk.Call{Tenant: "acme"}, Limit: 10}); err != nil || len(page.Conversations) != 1 {
		t.Errorf("there are conversations %+v, %v", page, err)
	}
	return fault.Of(err)
}

// TestReplayOnly checks what a request that is refused now gets, if the storage does not say that its key
// is unknown.
func TestReplayOnly(t *testing.T) {
	req := Request{ConversationID: "c", Message: "hi", Prompt: "gone", IdempotencyKey: "k"}
	for name, c := range map[string]struct {
		storage storage.Storage
		class   fault.Class
		path    string
	}{
		"the turn is at work":                {&logStorage{busy: 1, sameKey: true}, fault.Conflict, "Idempotency-Key"},
		"another turn is at work":            {&logStorage{busy: 1}, fault.Invalid, "prompt"},
		"the key is of another request":      {&logStorage{reused: true}, fault.Invalid, "prompt"},
		"the storage is away for a moment":   {&logStorage{faults: map[string][]error{"begin": away(1)}}, fault.Invalid, "prompt"},
		"the storage refuses":                {&logStorage{faults: map[string][]error{"begin": {fault.New(fault.QuotaExhausted, "full")}}}, fault.QuotaExhausted, ""},
		"the storage cannot be asked for it": {featureless{&logStorage{}}, fault.Invalid, "prompt"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newTestBot(c.storage, &scriptLLM{}).Chat(t.Context(), req, nil)
			if e := wantClass(t, err, c.class); e.Path.String() != c.path {
				t.Errorf("%v at %s", e, e.Path)
			}
		})
	}
}
