package e2e

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/llmtest"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/memorytest"
)

// TestConformance_plugins runs the conformance kits against plugin processes, over the host's plugin
// manager.
func TestConformance_plugins(t *testing.T) {
	m, err := plugins.New(plugins.Options{Dirs: []string{filepath.Join(binaries, "plugins")}, RuntimeDir: shortDir(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	open := func(ctx context.Context, kind, name, config string) (*plugins.Instance, error) {
		i, err := m.Open(ctx, plugins.Spec{Kind: kind, Name: name, Tenant: "t", Config: []byte(config)})
		if err == nil {
			t.Cleanup(i.Close)
		}
		return i, err
	}
	t.Run("memory-buffer", func(t *testing.T) {
		err := memorytest.Test(t.Context(), func(ctx context.Context) (memory.Memory, error) {
			i, err := open(ctx, "memory", "buffer", `{"max_messages":10}`)
			if err != nil {
				return nil, err
			}
			return i.Memory(), nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	for name, config := range map[string]string{
		"llm-echo":                         `{"token_delay_ms":1}`,
		"llm-echo that says what it takes": `{"token_delay_ms":1,"embedding_dimensions":100,"takes":{"media":["image"],"tools":true,"formats":true,"reasoning":true}}`,
		"llm-echo that takes little":       `{"token_delay_ms":1,"maker":"m","takes":{"media":["image"],"tools":false,"reasoning":false}}`,
	} {
		t.Run(name, func(t *testing.T) {
			err := llmtest.Test(t.Context(), func(ctx context.Context) (llm.LLM, error) {
				i, err := open(ctx, "llm", "echo", config)
				if err != nil {
					return nil, err
				}
				return i.LLM(), nil
			}, llmtest.Overrides())
			if err != nil {
				t.Error(err)
			}
		})
	}
}
