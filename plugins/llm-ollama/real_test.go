package ollama

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/envconfig"
)

// realServer returns the URL of the server that OLLAMA_HOST names, and a model that this server has. It
// skips the test if there is no such server.
func realServer(t *testing.T) (base, model string) {
	t.Helper()
	if os.Getenv("OLLAMA_HOST") == "" {
		t.Skip("OLLAMA_HOST is not set")
	}
	base = envconfig.Host().String() // Ollama's own programs parse OLLAMA_HOST in the same way
	u, err := parseBase(base)
	if err != nil {
		t.Skipf("OLLAMA_HOST: %v", err)
	}
	tr := newTransport(u, "", nil)
	defer tr.close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	list, err := api.NewClient(u, &http.Client{Transport: tr}).List(ctx)
	if err != nil {
		t.Skipf("OLLAMA_HOST does not answer: %v", err)
	}
	if model = os.Getenv("OLLAMA_TEST_MODEL"); model != "" {
		return base, model
	}
	if len(list.Models) == 0 {
		t.Skip("the server that OLLAMA_HOST names has no model; pull one, such as gemma3:1b")
	}
	return base, list.Models[0].Name
}

func TestModel_realServer(t *testing.T) {
	base, model := realServer(t)
	m := open(t, Config{BaseURL: base, Model: model, Temperature: new(float32(0)), Seed: new(1)})
	got, finish, err := talk(t.Context(), m, &llm.Request{
		MaxOutputTokens: 32,
		Messages:        []chat.Message{chat.Text(chat.System, "Be brief."), chat.Text(chat.User, "Say hello.")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 || finish.Usage.OutputTokens == 0 || finish.Reason == llm.FinishUnknown {
		t.Errorf("%+v, %+v", got, finish)
	}
	t.Run("missing model", func(t *testing.T) {
		_, _, err := talk(t.Context(), open(t, Config{BaseURL: base, Model: "botyard-no-such-model"}), ask("Hi"))
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, err := m.Chat(ctx, ask("Count to one thousand in words."), func(llm.Delta) error { cancel(); return nil })
		if !fault.Is(err, fault.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
