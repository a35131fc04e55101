package config

import (
	_ "embed"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// Settings are the host's own keys. Paths are relative to the working directory:
// those of the host's files were relative to the host file's folder.
type Settings struct {
	Listen string // key listen, default "127.0.0.1:8080"
	// DataDir (key data_dir, default "data") is for what the host keeps itself.
	DataDir string
	// HostKey (key host_key) is the reference to the host's own key, as it is written;
	// empty for that in DataDir. See [Host.HostKey].
	HostKey string
	// SecretsDir (key secrets_dir) has a folder for each tenant, whose files that
	// tenant's references reach. If empty, no tenant may refer to a file.
	SecretsDir string
	PluginDirs []string // key plugin_dirs
	TenantDirs []string // key tenant_dirs
	// AllowEnv (key allow_env) are the variables that tenants may refer to.
	AllowEnv []string
	Auth     struct {
		Mode string // key auth.mode: AuthNone (default) or AuthToken
	}
	TLS      TLS     // key tls
	HTTP     HTTP    // key http
	Metrics  Metrics // key metrics
	Registry struct {
		CacheTTL     time.Duration // key registry.cache_ttl in seconds, default 300
		MaxCacheSize int           // key registry.max_cache_size, default 1000
	}
	// Egress (key egress) is where a tenant's own settings may lead.
	Egress struct {
		Tenants string   // key egress.tenants: "public" (default), "none" or "any"
		Allow   []string // key egress.allow
	}
	Limits Limits // key limits; no tenant has more
	// Plugins are the blocks plugin.KIND.NAME; Plugin gives the defaults too.
	Plugins       map[string]map[string]PluginSettings
	ShutdownGrace time.Duration // key shutdown_grace in seconds, default 20
	ShutdownDelay time.Duration // key shutdown_delay in seconds, default 0
}

// HTTP bounds what all tenants and callers together can have the host hold for them.
type HTTP struct {
	Connections int   // key http.connections, default bounds.DefaultConnections
	BodyBytes   int64 // key http.body_bytes, default bounds.DefaultBodyBytes
	AnswerBytes int64 // key http.answer_bytes, default bounds.DefaultAnswerBytes
}

// Metrics say what a host counts, and where it shows that.
type Metrics struct {
	Enabled         bool   // key metrics.enabled, default true
	Listen          string // key metrics.listen: an address of its own; empty for that of the API
	TenantLabel     bool   // key metrics.tenant_label, default false
	MaxTenantLabels int    // key metrics.max_tenant_labels, default 100
}

// TLS says what the host is served with. Without files it is not.
type TLS struct {
	CertFile string // key tls.cert_file: PEM, the host's own certificate first
	KeyFile  string // key tls.key_file: PEM
}

// Limits bound what one tenant may use.
type Limits struct {
	ConcurrentTurns     int           // key limits.concurrent_turns, default 64; those that wait are not in it
	TurnsPerMinute      int           // key limits.turns_per_minute, default 0: any number
	WaitingTurns        int           // key limits.waiting_turns, default 256, over all conversations
	MessageBytes        int           // key limits.message_bytes, default 1 MiB
	ReplyBytes          int           // key limits.reply_bytes, default 4 MiB, reasoning and tool calls included
	ReplyTokens         int           // key limits.reply_tokens, default 0: what the provider sets
	TurnTimeout         time.Duration // key limits.turn_timeout in seconds, default 600
	FirstTokenTimeout   time.Duration // key limits.first_token_timeout in seconds, default 300
	TokenTimeout        time.Duration // key limits.token_timeout in seconds, default 60
	ConversationWait    time.Duration // key limits.conversation_wait in seconds, default 30
	ConversationWaiters int           // key limits.conversation_waiters, default 16
	// Impatient: the tenant's own document sets one of the two token timeouts. What it
	// calls silence says nothing about the provider to others who share it.
	Impatient bool `json:"-"` // how the values came about is not in the revision
}

// PluginSettings are what the operator says of one plugin.
type PluginSettings struct {
	MaxCalls     int           // key max_calls, default 256
	Isolation    string        // key isolation: "shared" (default) or "tenant"
	StartTimeout time.Duration // key start_timeout in seconds, default 10
	CallTimeout  time.Duration // key call_timeout in seconds, default 30
	Env          []string      // key env: host variables that the plugin gets
	SHA256       string        // key sha256: lower-case hex; empty is not pinned
}

// Plugin gives the settings of a plugin, which are the defaults where the host's
// files do not name it.
func (s *Settings) Plugin(kind, name string) PluginSettings {
	if p, ok := s.Plugins[kind][name]; ok {
		return p
	}
	return pluginSettings(nil)
}

// defaults is the lowest layer. A null in a higher one removes a key from it, and
// decoding then takes the value from here all the same.
var defaults = map[string]any{
	"listen":   "127.0.0.1:8080",
	"data_dir": "data",
	authKey:    map[string]any{modeKey: AuthNone},
	"http": map[string]any{
		"connections": int64(bounds.DefaultConnections), "body_bytes": int64(bounds.DefaultBodyBytes), "answer_bytes": int64(bounds.DefaultAnswerBytes),
	},
	metricsKey:       map[string]any{"enabled": true, "tenant_label": false, "max_tenant_labels": int64(100)},
	"registry":       map[string]any{"cache_ttl": int64(300), "max_cache_size": int64(1000)},
	egressKey:        map[string]any{"tenants": "public"},
	"limits":         defaultLimits,
	policyKey:        map[string]any{"keys": []any{"*"}},
	"shutdown_grace": int64(20),
	"shutdown_delay": int64(0),
	"defaults": map[string]any{
		"memory":               map[string]any{"type": "buffer"},
		"conversation_storage": map[string]any{"backend": "memory"},
		"conversations":        map[string]any{"owner": OwnerUser},
	},
}

var defaultLimits = map[string]any{
	"concurrent_turns":     int64(64),
	"turns_per_minute":     int64(0),
	"waiting_turns":        int64(256),
	"message_bytes":        int64(1 << 20),
	"reply_bytes":          int64(4 << 20),
	"reply_tokens":         int64(0),
	"turn_timeout":         int64(600),
	"first_token_timeout":  int64(300),
	"token_timeout":        int64(60),
	"conversation_wait":    int64(30),
	"conversation_waiters": int64(16),
}

var (
	//go:embed host.schema.json
	hostSchemaJSON []byte
	//go:embed tenant.schema.json
	tenantSchemaJSON []byte

	hostSchema   = sync.OnceValue(func() *Schema { return mustCompile(hostSchemaJSON) })
	tenantSchema = sync.OnceValue(func() *Schema { return mustCompile(tenantSchemaJSON) })
)

func mustCompile(src []byte) *Schema {
	s, err := CompileSchema(src)
	if err != nil {
		panic(err) // unreachable: our own files, which every test compiles
	}
	return s
}

// decoder reads a map that its schema accepted, with defaults beside it.
type decoder struct{ values, defaults map[string]any }

func (d decoder) get(key string) any {
	if v, ok := d.values[key]; ok {
		return v
	}
	return d.defaults[key]
}

func (d decoder) text(key string) string { s, _ := d.get(key).(string); return s }

func (d decoder) integer(key string) int { i, _ := d.get(key).(int64); return int(i) }

func (d decoder) yes(key string) bool { b, _ := d.get(key).(bool); return b }

func (d decoder) seconds(key string) time.Duration {
	return time.Duration(asFloat(d.get(key)) * float64(time.Second))
}

func (d decoder) texts(key string) []string {
	l, _ := d.get(key).([]any)
	var out []string
	for _, v := range l {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func (d decoder) sub(key string) decoder {
	values, _ := d.values[key].(map[string]any)
	defaults, _ := d.defaults[key].(map[string]any)
	return decoder{values, defaults}
}

func asFloat(v any) float64 {
	switch n := v.(type) {
	case int64:
		return float64(n)
	case float64:
		return n
	}
	return 0
}

// decodeSettings reads the host's keys; relative paths are in folder.
func decodeSettings(tree map[string]any, folder string) Settings {
	d := decoder{tree, defaults}
	below := func(path string) string {
		if path == "" || filepath.IsAbs(path) || folder == "" {
			return path
		}
		return filepath.Join(folder, path)
	}
	allBelow := func(paths []string) []string {
		out := slices.Clone(paths)
		for i := range out {
			out[i] = below(out[i])
		}
		return out
	}
	s := Settings{
		Listen:        d.text("listen"),
		DataDir:       below(d.text("data_dir")),
		HostKey:       d.text(hostKeyKey),
		SecretsDir:    below(d.text("secrets_dir")),
		PluginDirs:    allBelow(d.texts("plugin_dirs")),
		TenantDirs:    allBelow(d.texts("tenant_dirs")),
		AllowEnv:      d.texts("allow_env"),
		Limits:        decodeLimits(d.sub("limits")),
		Plugins:       map[string]map[string]PluginSettings{},
		ShutdownGrace: d.seconds("shutdown_grace"),
		ShutdownDelay: d.seconds("shutdown_delay"),
	}
	s.Auth.Mode = d.sub(authKey).text(modeKey)
	s.Egress.Tenants, s.Egress.Allow = d.sub(egressKey).text("tenants"), d.sub(egressKey).texts("allow")
	s.TLS = TLS{CertFile: below(d.sub("tls").text("cert_file")), KeyFile: below(d.sub("tls").text("key_file"))}
	h := d.sub("http")
	s.HTTP = HTTP{h.integer("connections"), int64(h.integer("body_bytes")), int64(h.integer("answer_bytes"))}
	m := d.sub(metricsKey)
	s.Metrics = Metrics{m.yes("enabled"), m.text("listen"), m.yes("tenant_label"), m.integer("max_tenant_labels")}
	s.Registry.CacheTTL = d.sub("registry").seconds("cache_ttl")
	s.Registry.MaxCacheSize = d.sub("registry").integer("max_cache_size")
	for kind, names := range d.sub("plugin").values {
		s.Plugins[kind] = map[string]PluginSettings{}
		plugins, _ := names.(map[string]any)
		for name, values := range plugins {
			v, _ := values.(map[string]any)
			s.Plugins[kind][name] = pluginSettings(v)
		}
	}
	return s
}

func decodeLimits(d decoder) Limits {
	return Limits{
		ConcurrentTurns:     d.integer("concurrent_turns"),
		TurnsPerMinute:      d.integer("turns_per_minute"),
		WaitingTurns:        d.integer("waiting_turns"),
		MessageBytes:        d.integer("message_bytes"),
		ReplyBytes:          d.integer("reply_bytes"),
		ReplyTokens:         d.integer("reply_tokens"),
		TurnTimeout:         d.seconds("turn_timeout"),
		FirstTokenTimeout:   d.seconds("first_token_timeout"),
		TokenTimeout:        d.seconds("token_timeout"),
		ConversationWait:    d.seconds("conversation_wait"),
		ConversationWaiters: d.integer("conversation_waiters"),
	}
}

func pluginSettings(values map[string]any) PluginSettings {
	d := decoder{values, map[string]any{
		"max_calls": int64(256), "isolation": "shared", "start_timeout": int64(10), "call_timeout": int64(30),
	}}
	return PluginSettings{
		MaxCalls:     d.integer("max_calls"),
		Isolation:    d.text("isolation"),
		StartTimeout: d.seconds("start_timeout"),
		CallTimeout:  d.seconds("call_timeout"),
		Env:          d.texts("env"),
		SHA256:       d.text("sha256"),
	}
}
