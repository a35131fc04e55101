package config

import (
	"reflect"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

func TestSettings(t *testing.T) {
	h, err := LoadHost(LoadOptions{
		File:    "testdata/host/full.hcl",
		Overlay: "testdata/host/full.overlay.yaml",
		Environ: []string{
			"BOTYARD_SERVICE_HOST=10.0.0.1", "BOTYARD__LISTEN=127.0.0.1:1", "BOTYARD__LIMITS__CONVERSATION_WAITERS=3",
			"BOTYARD__PLUGIN__LLM__OLLAMA__MAX_CALLS=2",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{
		Listen: "127.0.0.1:1", DataDir: "testdata/host/state", SecretsDir: "/etc/botyard/secrets",
		PluginDirs: []string{"testdata/host/plugins", "/opt/botyard/plugins"}, TenantDirs: []string{"testdata/host/tenants"},
		AllowEnv: []string{"OTHER"},
		Limits: Limits{ConcurrentTurns: 4, WaitingTurns: 256, MessageBytes: 1000, ReplyBytes: 4 << 20, TurnTimeout: 1500 * time.Millisecond,
			FirstTokenTimeout: 5 * time.Minute, TokenTimeout: time.Minute, ConversationWait: 0, ConversationWaiters: 3},
		Plugins: map[string]map[string]PluginSettings{
			"llm": {
				"openai": {MaxCalls: 8, Isolation: "tenant", StartTimeout: 2 * time.Second, CallTimeout: time.Minute,
					Env: []string{"HTTPS_PROXY"}, SHA256: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
				"ollama": {MaxCalls: 2, Isolation: "shared", StartTimeout: 10 * time.Second, CallTimeout: 30 * time.Second},
			},
			"storage": {"postgres": {MaxCalls: 256, Isolation: "shared", StartTimeout: 10 * time.Second, CallTimeout: 30 * time.Second}},
		},
		ShutdownGrace: 500 * time.Millisecond,
	}
	want.Auth.Mode = "none"
	want.HTTP = HTTP{Connections: bounds.DefaultConnections, BodyBytes: bounds.DefaultBodyBytes, AnswerBytes: bounds.DefaultAnswerBytes}
	want.Egress.Tenants = "public"
	want.Metrics = Metrics{Enabled: true, MaxTenantLabels: 100}
	want.Registry.CacheTTL = time.Minute
	want.Registry.MaxCacheSize = 1000 // the overlay's null restores the default
	if !reflect.DeepEqual(h.Settings, want) {
		t.Errorf("got\n%+v\nwant\n%+v", h.Settings, want)
	}
	if p := h.Settings.Plugin("memory", "buffer"); p.MaxCalls != 256 || p.Isolation != "shared" {
		t.Errorf("a plugin that is not named has %+v", p)
	}
}

func TestSettings_defaults(t *testing.T) {
	h, err := LoadHost(LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := h.Settings
	if s.Listen != "127.0.0.1:8080" || s.DataDir != "data" || s.SecretsDir != "" || s.Auth.Mode != "none" ||
		s.Registry.CacheTTL != 300*time.Second || s.Registry.MaxCacheSize != 1000 || s.ShutdownGrace != 20*time.Second {
		t.Errorf("defaults are %+v", s)
	}
	want := Limits{
		ConcurrentTurns: 64, WaitingTurns: 256, MessageBytes: 1 << 20, ReplyBytes: 4 << 20, TurnTimeout: 10 * time.Minute,
		FirstTokenTimeout: 5 * time.Minute, TokenTimeout: time.Minute, ConversationWait: 30 * time.Second, ConversationWaiters: 16,
	}
	if s.Limits != want {
		t.Errorf("default limits are %+v", s.Limits)
	}
}

// TestHTTP_boundsAndDefaults checks that the keys of the block http have the defaults and bounds
// of package bounds.
func TestHTTP_boundsAndDefaults(t *testing.T) {
	have := readSettings(nil, "").HTTP
	if want := (HTTP{bounds.DefaultConnections, bounds.DefaultBodyBytes, bounds.DefaultAnswerBytes}); have != want {
		t.Errorf("defaults are %+v, want %+v", have, want)
	}
	for key, within := range map[string][2]int64{
		"connections":  {bounds.MinConnections, bounds.MaxConnections},
		"body_bytes":   {bounds.MinHeldBytes, bounds.MaxHeldBytes},
		"answer_bytes": {bounds.MinHeldBytes, bounds.MaxHeldBytes},
	} {
		t.Run(key, func(t *testing.T) {
			for value, ok := range map[int64]bool{within[0] - 1: false, within[0]: true, within[1]: true, within[1] + 1: false} {
				_, err := LoadHost(LoadOptions{Document: FromMap("test", map[string]any{"http": map[string]any{key: value}})})
				if (err == nil) != ok {
					t.Errorf("http.%s = %d: %v", key, value, err)
				}
			}
		})
	}
}
