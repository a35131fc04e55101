package host

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/sdk/fault"
)

// TestInstanceChecker_endsInTime checks that the check of a tenant ends in time if no process of its
// plugins comes up, that the instances are checked side by side, and that a plugin that is not
// installed is a failure too.
func TestInstanceChecker_endsInTime(t *testing.T) {
	// beyond: check of an instance
	dir := t.TempDir()
	for _, name := range []string{"llm-hangs", "memory-hangs"} {
		if err := os.WriteFile(filepath.Join(dir, "botyard-"+name), []byte("#!/bin/sh\nexec sleep 1000\n"), 0o700); err != nil {
			t.Fatal(err)
		}
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
	e := &config.Effective{Tenant: "t", LLM: config.Block{Kind: "llm", Plugin: "hangs"},
		Memory: config.Block{Kind: "memory", Plugin: "hangs"}, Storage: config.Block{Kind: "storage", Plugin: "none"}}
	got := instanceChecker{plugins: m, config: cfg, timeout: 300 * time.Millisecond}.check(t.Context(), e)
	if len(got) != 3 {
		t.Fatalf("%d results", len(got))
	}
	for i, class := range []fault.Class{fault.Deadline, fault.Deadline, fault.PluginUnavailable} {
		if f := got[i].Err; f == nil || f.Class != class || got[i].Block.Kind != e.Blocks()[i].Kind {
			t.Errorf("result %d: %+v", i, got[i])
		}
	}
	if got[0].Took < 200*time.Millisecond || got[1].Took < 200*time.Millisecond {
		t.Errorf("a check did not get its time beside the other: %s and %s", got[0].Took, got[1].Took)
	}
}
