package config

import (
	"reflect"
	"strings"
)

// Counts says when a host key that was changed in the files counts.
type Counts string

const (
	// AtReload: as soon as the files are read again and applied.
	AtReload Counts = "reload"
	// AtProcessStart: for a plugin's process that is started after the reload. One that
	// runs goes on with what it was started with.
	AtProcessStart Counts = "process start"
	// AtRestart: from the next start of the host.
	AtRestart Counts = "restart"
)

// PluginKey stands for the beginning of the keys of the blocks plugin.KIND.NAME.
const PluginKey = "plugin.KIND.NAME."

// PlanKey stands for a block plan.NAME with all that is in it.
const PlanKey = "plan.NAME"

// HostKey is one key of the host's own.
type HostKey struct {
	// Key is its path with dots. A key of a plugin's block begins with [PluginKey].
	// What is below registry.storage, defaults and plan is not told apart.
	Key    string
	Counts Counts

	field func(*Settings) any // pointer to its value; only of what counts at a restart
}

// hostKeys has every key of the host file. What is said of a reload, what a reload
// does and the page of all keys come from here.
var hostKeys = []HostKey{
	{"listen", AtRestart, func(s *Settings) any { return &s.Listen }},
	{"data_dir", AtRestart, func(s *Settings) any { return &s.DataDir }},
	{hostKeyKey, AtRestart, func(s *Settings) any { return &s.HostKey }},
	{"secrets_dir", AtReload, nil},
	{"plugin_dirs", AtRestart, func(s *Settings) any { return &s.PluginDirs }},
	{"tenant_dirs", AtRestart, func(s *Settings) any { return &s.TenantDirs }},
	{"allow_env", AtReload, nil},
	{"egress.tenants", AtReload, nil},
	{"egress.allow", AtReload, nil},
	{"shutdown_grace", AtReload, nil},
	{"shutdown_delay", AtReload, nil},
	{"auth.mode", AtRestart, func(s *Settings) any { return &s.Auth.Mode }},
	{"auth.gateway_token", AtReload, nil},
	{"auth.admin_token", AtReload, nil},
	{"tls.cert_file", AtRestart, func(s *Settings) any { return &s.TLS.CertFile }},
	{"tls.key_file", AtRestart, func(s *Settings) any { return &s.TLS.KeyFile }},
	{"http.connections", AtReload, nil},
	{"http.body_bytes", AtReload, nil},
	{"http.answer_bytes", AtReload, nil},
	{"metrics.enabled", AtRestart, func(s *Settings) any { return &s.Metrics.Enabled }},
	{"metrics.listen", AtRestart, func(s *Settings) any { return &s.Metrics.Listen }},
	{"metrics.tenant_label", AtRestart, func(s *Settings) any { return &s.Metrics.TenantLabel }},
	{"metrics.max_tenant_labels", AtRestart, func(s *Settings) any { return &s.Metrics.MaxTenantLabels }},
	{"registry.cache_ttl", AtRestart, func(s *Settings) any { return &s.Registry.CacheTTL }},
	{"registry.max_cache_size", AtRestart, func(s *Settings) any { return &s.Registry.MaxCacheSize }},
	{registryStorage.String(), AtRestart, nil}, // see PendingRestart
	{"limits.concurrent_turns", AtReload, nil},
	{"limits.turns_per_minute", AtReload, nil},
	{"limits.waiting_turns", AtReload, nil},
	{"limits.message_bytes", AtReload, nil},
	{"limits.reply_bytes", AtReload, nil},
	{"limits.reply_tokens", AtReload, nil},
	{"limits.turn_timeout", AtReload, nil},
	{"limits.first_token_timeout", AtReload, nil},
	{"limits.token_timeout", AtReload, nil},
	{"limits.conversation_wait", AtReload, nil},
	{"limits.conversation_waiters", AtReload, nil},
	{PluginKey + "max_calls", AtReload, nil},
	{PluginKey + "isolation", AtRestart, nil}, // of a plugin in use: its manager knows
	{PluginKey + "start_timeout", AtReload, nil},
	{PluginKey + "call_timeout", AtReload, nil},
	{PluginKey + "env", AtProcessStart, nil},
	{PluginKey + "sha256", AtProcessStart, nil},
	{defaultsKey, AtReload, nil},
	{PlanKey, AtReload, nil},
	{"tenant_policy.keys", AtReload, nil},
	{"tenant_policy.plugins.llm", AtReload, nil},
	{"tenant_policy.plugins.memory", AtReload, nil},
	{"tenant_policy.plugins.storage", AtReload, nil},
	{"tenant_policy.plugins.knowledge", AtReload, nil},
}

// HostKeys gives every key of the host file and when a change of it counts.
func HostKeys() []HostKey { return append([]HostKey(nil), hostKeys...) }

// CountsOf says when a change of the key counts, and false for what is no host key.
// The key is written out: plugin.llm.echo.env, registry.storage.backend.
func CountsOf(key string) (Counts, bool) {
	if rest, ok := strings.CutPrefix(key, "plugin."); ok {
		if parts := strings.SplitN(rest, ".", 3); len(parts) == 3 {
			key = PluginKey + parts[2]
		}
	}
	if name, ok := strings.CutPrefix(key, planKey+"."); ok && name != "" {
		key = PlanKey
	}
	for _, k := range hostKeys {
		open := k.Key == defaultsKey || k.Key == registryStorage.String()
		if k.Key == key || open && strings.HasPrefix(key, k.Key+".") {
			return k.Counts, true
		}
	}
	return "", false
}

// PendingRestart names the keys that count from the next start of the host and are
// another in the files than in the host that runs, in the order of [HostKeys].
// Both are compared as they would run: over puts on top what stands above the files.
// Keys of plugins' blocks are not in it: what runs of a plugin its manager knows.
func PendingRestart(running, files *Host, over func(Settings) Settings) []string {
	was, now := over(running.Settings), over(files.Settings)
	var keys []string
	for _, k := range hostKeys {
		differs := k.field != nil && !sameValue(k.field(&was), k.field(&now))
		if k.Key == registryStorage.String() {
			differs = !running.IsRegistrySame(files)
		}
		if differs {
			keys = append(keys, k.Key)
		}
	}
	return keys
}

// AsApplied gives the settings of the files as a host that runs can have them: what
// counts from the next start is as in running.
func (s Settings) AsApplied(running Settings) Settings {
	for _, k := range hostKeys {
		if k.field != nil {
			reflect.ValueOf(k.field(&s)).Elem().Set(reflect.ValueOf(k.field(&running)).Elem())
		}
	}
	return s
}

// sameValue compares what two pointers point to; an empty list is as good as none.
func sameValue(a, b any) bool {
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	if x.Kind() == reflect.Slice && x.Len() == 0 && y.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(x.Interface(), y.Interface())
}
