package config

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// TestHost_CheckDefaults_asksPlugins checks that plugins are asked once for each block, with secrets in
// place, and not for blocks that miss a key or are wrong already. A mistake in a key that nobody has set
// is no problem, because each tenant may set it.
func TestHost_CheckDefaults_asksPlugins(t *testing.T) {
	for src, want := range map[string]struct{ asked, problems string }{
		`defaults: {llm: {provider: openai, model: m, api_key: "${env:KEY}"}}`: {"llm openai true",
			"defaults.llm.model: is wrong"},
		`defaults: {llm: {provider: openai, model: m}, memory: {max_mesages: 1}}`: {"", "unknown key"},
		`defaults: {llm: {provider: openai}}`:                                     {"", ""},
	} {
		t.Run(src, func(t *testing.T) {
			var asked []string
			h := loadHost(t, src, "KEY=secretive")
			err := h.CheckDefaults(t.Context(), testSchemas(t), func(_ context.Context, b Block, r Resolved) Problems {
				if b.Kind != "llm" {
					return nil
				}
				asked = append(asked, fmt.Sprintf("%s %s %t", b.Kind, b.Plugin, strings.Contains(string(r.Config), "secretive")))
				return Problems{{Path: Path{"model"}, Message: "is wrong"}, {Path: Path{"base_url"}, Message: "is missing"}, {Message: "lacks something"}}
			})
			if got := strings.Join(asked, ","); got != want.asked {
				t.Errorf("asked %q; want %q", got, want.asked)
			}
			if want.problems == "" && err != nil || want.problems != "" && (err == nil || !strings.Contains(err.Error(), want.problems) || strings.Contains(err.Error(), "missing")) {
				t.Errorf("got %v; want %q", err, want.problems)
			}
		})
	}
}

func TestHost_CheckDefaults(t *testing.T) {
	schemas := testSchemas(t)
	for src, want := range map[string]string{
		`{}`: "",
		`defaults: {llm: {provider: openai}, prompts: {system: "{{company}}"}}`:                                               "",
		`defaults: {llm: {provider: openai, api_key: "${env:NONE}"}}`:                                                         `host.yaml:1:36: defaults.llm.api_key: missing secret: the environment variable NONE is not set`,
		`defaults: {llm: {provider: opnai}, memory: {max_mesages: 1}}`:                                                        "host.yaml:1:18: defaults.llm.provider: no llm plugin is named \"opnai\"; did you mean \"openai\"?\nhost.yaml:1:45: defaults.memory.max_mesages: unknown key; did you mean \"max_messages\"?",
		`{limits: {concurrent_turns: 2}, defaults: {limits: {concurrent_turns: 3}}}`:                                          `host.yaml:1:53: defaults.limits.concurrent_turns: is 3, above the host's limit of 2 (host.yaml:1:11); expected at most 2`,
		`defaults: {llm: {provider: openai, api_key: "${file:/etc/botyard/none}"}, knowledge_base: {type: x, enabled: true}}`: "host.yaml:1:36: defaults.llm.api_key: missing secret: the file /etc/botyard/none cannot be read: no such file or directory\nhost.yaml:1:101: defaults.knowledge_base.enabled: no knowledge plugin exists yet; expected false",
	} {
		t.Run(src, func(t *testing.T) {
			err := loadHost(t, src).CheckDefaults(t.Context(), schemas, nil)
			if want == "" {
				if err != nil {
					t.Errorf("%s: %v", src, err)
				}
				return
			}
			if got := message(t, err); got != want {
				t.Errorf("%s gives\n%s\nwant\n%s", src, got, want)
			}
		})
	}
}
