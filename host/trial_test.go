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

// TestTrial_endsIfAPluginDoesNotAnswer checks that a trial ends in time and accepts the settings
// if a plugin does not respond.
func TestTrial_endsIfAPluginDoesNotAnswer(t *testing.T) {
	// beyond: trial
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

	cfg, err := config.LoadHost(config.LoadOptions{Document: config.FromMap("host", map[string]any{})})
	if err != nil {
		t.Fatal(err)
	}
	e := &config.Effective{Tenant: "t", LLM: config.Block{Kind: "llm", Plugin: "hangs"}}
	trial := Trial{Plugins: m, Config: cfg, Log: hclog.NewNullLogger(), Dry: true, timeout: 100 * time.Millisecond}
	if err := trial.Run(t.Context(), e); err != nil {
		t.Error(err)
	}
}
