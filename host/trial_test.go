package host

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/hashicorp/go-hclog"
)

// TestTrial_storageWithoutOwners checks that a tenant whose conversations belong to users is refused
// if its storage plugin lacks the feature "owners", with the key that needs the feature.
func TestTrial_storageWithoutOwners(t *testing.T) {
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "botyard-storage-older"), "./plugins/testdata/versions/older/storage")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	m, err := plugins.New(plugins.Options{Dirs: []string{dir}, RuntimeDir: "/tmp"})
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
	for owner, want := range map[string]string{
		config.OwnerUser: `conversations.owner: the storage plugin "older" lacks the feature "owners", which conversations.owner = "user" needs: ` +
			`update the plugin, or set "tenant" to let all users share the conversations`,
		config.OwnerTenant: "",
	} {
		t.Run(owner, func(t *testing.T) {
			e := &config.Effective{Tenant: "t", Owner: owner, Storage: config.Block{Kind: "storage", Plugin: "older"}}
			got := Trial{Plugins: m, Config: cfg, Log: hclog.NewNullLogger(), Dry: true}.Run(t.Context(), e)
			if want == "" && got != nil || want != "" && (got == nil || !strings.Contains(got.Error(), want)) {
				t.Errorf("got %v; want %s", got, want)
			}
		})
	}
}

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
