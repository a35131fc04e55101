package host_test

import (
	"context"
	"os"
	"testing"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// TestBuildBot_keepsOptionalInterfaces checks that the parts of a bot still implement their
// optional interfaces. The bot finds these interfaces by type assertion. If a wrapper hid an
// interface, the bot would silently work without it.
func TestBuildBot_keepsOptionalInterfaces(t *testing.T) {
	plugins := buildPlugins()
	defer func() { _ = os.RemoveAll(plugins) }()
	h, err := host.Open(t.Context(), host.Options{
		PluginDirs: []string{plugins},
		Config:     map[string]any{"defaults": map[string]any{"llm": map[string]any{"provider": "echo"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if err := h.Register(t.Context(), "acme", nil); err != nil {
		t.Fatal(err)
	}
	b, err := h.Bot(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	if _, ok := b.Storage.(interface {
		RunInBackground(func(context.Context, storage.Storage)) bool
	}); !ok {
		t.Error("turns that a storage began unheard are not ended")
	}
	if _, ok := b.LLM.(sdk.LLMDescriber); !ok {
		t.Error("the model is shown what it does not take")
	}
	if _, ok := b.LLM.(interface {
		ChatFrom(context.Context, *llm.Request, func(llm.Delta) error, func()) (*llm.Finish, error)
	}); !ok {
		t.Error("waiting in the queue counts as the provider's silence")
	}
}
