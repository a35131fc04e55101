package host

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/hashicorp/go-hclog"
)

// hostWith returns a host that has only plugins, empty settings and no log.
func hostWith(t *testing.T, m *plugins.Manager) *Host {
	t.Helper()
	cfg, err := config.LoadHost(config.LoadOptions{Document: config.FromMap("host", map[string]any{})})
	if err != nil {
		t.Fatal(err)
	}
	h := &Host{manager: m, log: hclog.NewNullLogger()}
	h.config.Store(cfg)
	return h
}

// TestFirstModel_hangs checks that a first model whose plugin does not get ready leaves the build time for
// the other plugins if there is a fallback, and that the end of the build itself still ends it.
func TestFirstModel_hangs(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "botyard-llm-hangs"), []byte("#!/bin/sh\nexec sleep 1000\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	m, err := plugins.New(plugins.Options{Dirs: []string{dir}, Settings: func(string, string) config.PluginSettings {
		return config.PluginSettings{StartTimeout: time.Hour, CallTimeout: time.Hour}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	h := hostWith(t, m)
	e := &config.Effective{Tenant: "t", LLM: config.Block{Kind: "llm", Plugin: "hangs"}, Fallback: []config.Block{{Kind: "llm", Plugin: "echo"}}}

	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	model, err := h.newBotBuild(e).firstModel(ctx)
	if _, late := model.(*lateModel); err != nil || !late {
		t.Errorf("the first model is %T, %v", model, err)
	}
	if ctx.Err() != nil {
		t.Error("no time of the build is left")
	}

	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := h.newBotBuild(e).firstModel(ended); err == nil {
		t.Error("a build that has ended goes on")
	}
	e.Fallback = nil
	short, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if model, err := h.newBotBuild(e).firstModel(short); err == nil {
		t.Errorf("without a fallback the first model is %T", model)
	}
}

// TestSecretsChanged_missingAtTheBuild checks that a bot whose first model or fallback lacked its secret
// at the build counts as stale once the secret is there, and that a secret which goes away does not.
func TestSecretsChanged_missingAtTheBuild(t *testing.T) {
	h := hostWith(t, nil)
	file := filepath.Join(t.TempDir(), "key")
	with := config.Block{Kind: "llm", Plugin: "openai", Config: map[string]any{"api_key": config.Reference{Scheme: "file", Name: file}}}
	without := config.Block{Kind: "llm", Plugin: "echo"}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, e := range map[string]*config.Effective{
		"first model": {Tenant: "t", LLM: with, Fallback: []config.Block{without}},
		"memory":      {Tenant: "t", LLM: without, Memory: config.Block{Kind: "memory", Plugin: "m", Config: with.Config}},
	} {
		t.Run(name, func(t *testing.T) {
			_ = os.Remove(file)
			b := h.newBotBuild(e)
			if len(e.Fallback) > 0 {
				if model, err := b.firstModel(t.Context()); err != nil {
					t.Fatalf("the first model is %T, %v", model, err)
				}
			}
			stale := h.secretsChanged(e, b.secretSums)
			if stale == nil || stale() {
				t.Fatal("the bot is stale although its secret is still missing")
			}
			write("one")
			if !stale() {
				t.Error("the secret came, and the bot is not stale")
			}
			stale = h.secretsChanged(e, h.newBotBuild(e).secretSums)
			if stale() {
				t.Error("a new bot is stale")
			}
			write("two")
			if !stale() {
				t.Error("the secret changed, and the bot is not stale")
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if stale() {
				t.Error("the secret went away, and the bot is stale")
			}
		})
	}
	if h.secretsChanged(&config.Effective{Tenant: "t", LLM: without}, nil) != nil {
		t.Error("a bot without secrets is looked at")
	}
}
