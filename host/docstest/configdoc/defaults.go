package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/botyard/botyard/host/config"
)

// known are the built-in defaults by key, as the tables name keys. A key without a
// default has the empty text; one that is missing here is an error, so that a new
// key is not forgotten.
type known struct{ host, tenant map[string]string }

const fromHost = "the host's"

// builtIn asks package config itself: its defaults are not in its schemas.
func builtIn() (known, error) {
	h, err := config.LoadHost(config.LoadOptions{Document: config.FromMap("empty", nil)})
	if err != nil {
		return known{}, err
	}
	s := h.Settings
	plugin := s.Plugin("llm", "any")
	seconds := func(v float64) string { return code(strconv.FormatFloat(v, 'g', -1, 64)) }
	number := func(v int) string { return code(strconv.Itoa(v)) }
	host := map[string]string{
		"listen": code(s.Listen), "data_dir": code(s.DataDir), "shutdown_grace": seconds(s.ShutdownGrace.Seconds()), "shutdown_delay": seconds(s.ShutdownDelay.Seconds()),
		"host_key": "", "secrets_dir": "", "plugin_dirs": "", "tenant_dirs": "", "allow_env": "", "defaults": "",
		"egress.tenants":            code(s.Egress.Tenants),
		"egress.allow":              "",
		"auth.mode":                 code(s.Auth.Mode),
		"auth.gateway_token":        "",
		"auth.admin_token":          "",
		"tls.cert_file":             "",
		"tls.key_file":              "",
		"http.connections":          number(s.HTTP.Connections),
		"http.body_bytes":           number(int(s.HTTP.BodyBytes)),
		"http.answer_bytes":         number(int(s.HTTP.AnswerBytes)),
		"metrics.enabled":           code(strconv.FormatBool(s.Metrics.Enabled)),
		"metrics.listen":            "",
		"metrics.tenant_label":      code(strconv.FormatBool(s.Metrics.TenantLabel)),
		"metrics.max_tenant_labels": number(s.Metrics.MaxTenantLabels),
		"registry.cache_ttl":        seconds(s.Registry.CacheTTL.Seconds()),
		"registry.max_cache_size":   number(s.Registry.MaxCacheSize),
		"registry.storage":          "",
		"registry.storage.backend":  "",
		"plan.NAME":                 "",

		"tenant_policy.keys": code(`["*"]`), "tenant_policy.plugins.llm": "", "tenant_policy.plugins.memory": "",
		"tenant_policy.plugins.storage": "", "tenant_policy.plugins.knowledge": "",
		pluginKey + "max_calls":     number(plugin.MaxCalls),
		pluginKey + "isolation":     code(plugin.Isolation),
		pluginKey + "start_timeout": seconds(plugin.StartTimeout.Seconds()),
		pluginKey + "call_timeout":  seconds(plugin.CallTimeout.Seconds()),
		pluginKey + "env":           "",
		pluginKey + "sha256":        "",
	}
	e, err := h.Tenant(context.Background(), "any", config.Documents{Operator: config.FromMap("any", map[string]any{"llm": map[string]any{"provider": "any"}})}, anything{})
	if err != nil {
		return known{}, err
	}
	tenant := map[string]string{
		"llm.provider": "", "memory.type": code(e.Memory.Plugin), "conversation_storage.backend": code(e.Storage.Plugin),
		"conversation_storage.retention_days": "",
		"conversations.owner":                 code(e.Owner),
		"knowledge_base.enabled":              "", "knowledge_base.type": "",
		"prompts.system": "", "prompts.variables": "", "plan": "",
	}
	for _, entry := range e.Explain() {
		if key := entry.Path.String(); strings.HasPrefix(key, "limits.") {
			host[key], tenant[key] = code(fmt.Sprint(entry.Value)), fromHost
		}
	}
	return known{host, tenant}, nil
}

// anything are schemas that accept all.
type anything struct{}

// Schema implements config.Schemas.
func (anything) Schema(_ context.Context, kind, name string) (*config.Schema, error) {
	if name == "" {
		return nil, &config.UnknownPluginError{Kind: kind}
	}
	return config.CompileSchema([]byte(`{}`))
}

func code(s string) string { return fmt.Sprintf("`%s`", s) }
