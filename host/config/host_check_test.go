package config

import (
	"testing"
)

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
			err := loadHost(t, src).CheckDefaults(t.Context(), schemas)
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
