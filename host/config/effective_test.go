package config

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func yamlDoc(t testing.TB, src string) *Document {
	t.Helper()
	doc, err := ParseYAML("tenant.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func loadHost(t testing.TB, src string, environ ...string) *Host {
	t.Helper()
	doc, err := ParseYAML("host.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	h, err := LoadHost(LoadOptions{Document: doc, Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func tenant(t testing.TB, h *Host, src string) *Effective {
	t.Helper()
	e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: yamlDoc(t, src)}, testSchemas(t))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestReferenceDocument is what the multi-tenant example promises.
func TestReferenceDocument(t *testing.T) {
	h := loadHost(t, `
registry: {cache_ttl: 300, max_cache_size: 1000}
defaults:
  llm: {provider: ollama, model: "gemma3:1b"}
  conversation_storage:
    backend: postgres
    connection: {host: localhost, port: 5432, database: bots_db, user: postgres, password: password}
    pool_size: 20
    max_overflow: 10
`)
	if err := h.CheckDefaults(t.Context(), testSchemas(t)); err != nil {
		t.Error(err)
	}
	e := tenant(t, h, `
memory: {type: buffer, max_messages: 10}
prompts: {system: You are a customer support assistant.}
knowledge_base: {enabled: false}
`)
	if e.Tenant != "client-a" || e.System != "You are a customer support assistant." || e.Limits != h.Settings.Limits {
		t.Errorf("%+v", e)
	}
	if e.LLM.Kind != "llm" || e.LLM.Plugin != "ollama" || e.Memory.Plugin != "buffer" || e.Storage.Kind != "storage" || e.Storage.Plugin != "postgres" {
		t.Errorf("%+v", e)
	}
	got, err := h.Resolve(e, e.Storage)
	const want = `{"connection":{"database":"bots_db","host":"localhost","password":"password","port":5432,"user":"postgres"},"max_overflow":10,"pool_size":20}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := h.Resolve(e, e.Memory); err != nil || string(got) != `{"max_messages":10}` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestLayers(t *testing.T) {
	h, err := LoadHost(LoadOptions{
		File: "testdata/tenant/layers.hcl", Overlay: "testdata/tenant/layers.overlay.yaml",
		Environ: []string{"BOTYARD__DEFAULTS__LLM__USER=1234", "BOTYARD__DEFAULTS__LLM__TIMEOUT=12", "OPENAI_API_KEY=sk-operator-key"},
	})
	if err != nil {
		t.Fatal(err)
	}
	schemas := testSchemas(t)
	doc, err := ReadFile("testdata/tenant/layers-tenant.hcl")
	if err != nil {
		t.Fatal(err)
	}
	e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, schemas)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, entry := range e.Explain() {
		fmt.Fprintf(&b, "%s = %v (%s, %s, secret %t)\n", entry.Path, entry.Value, entry.Layer, entry.Pos, entry.Secret)
	}
	fmt.Fprintf(&b, "system = %q\n", e.System)
	for _, block := range []Block{e.LLM, e.Memory, e.Storage} {
		resolved, err := h.Resolve(e, block)
		fmt.Fprintf(&b, "%s %s, references %t: %v\n  as the plugin gets it: %s, %v\n",
			block.Kind, block.Plugin, block.HasReferences(), block.Config, resolved, err)
	}
	secrets, _ := e.TenantSecrets()
	fmt.Fprintf(&b, "the tenant's secrets: literal %v, references %v\n", secrets.Literals, secrets.References)
	const golden = "testdata/tenant/layers.want.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s%v", b.String(), want, err)
	}
}

func TestEffectiveDoesNotShowSecrets(t *testing.T) {
	h := loadHost(t, `defaults: {llm: {provider: openai, model: m, api_key: sk-operator-key}}`)
	doc := yamlDoc(t, `llm: {api_key: sk-tenant-key, headers: {h: header-secret}, keys: [{value: list-secret}]}`)
	e, err := h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, testSchemas(t))
	if err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %v %+v %v", *e, *e, *e, j, doc, doc, e.Explain())
	for _, s := range []string{"operator-key", "tenant-key", "header-secret", "list-secret"} {
		if strings.Contains(all, s) {
			t.Errorf("%q is shown in %s", s, all)
		}
	}
}

func TestPromptVariables(t *testing.T) {
	e := tenant(t, loadHost(t, `
defaults:
  llm: {provider: echo}
  prompts: {system: "You speak for {{ company }}. {{note}} {{{{7*7}} {7} }} {{{company}}} {{{{{{note}}", variables: {note: none}}`),
		`prompts: {variables: {company: "{{note}}", note: "{{company}} ${env:HOME}!"}}`)
	const want = "You speak for {{note}}. {{company}} ${env:HOME}! {{7*7}} {7} }} {{{note}}} {{{{company}} ${env:HOME}!"
	if e.System != want {
		t.Errorf("got  %s\nwant %s", e.System, want)
	}
}

func TestLimitsOfATenant(t *testing.T) {
	h := loadHost(t, `{limits: {concurrent_turns: 8}, defaults: {llm: {provider: echo}, limits: {concurrent_turns: 4, turn_timeout: 10}}}`)
	want := h.Settings.Limits
	want.ConcurrentTurns, want.TurnTimeout = 4, 2500*time.Millisecond
	if e := tenant(t, h, `limits: {turn_timeout: 2.5}`); e.Limits != want {
		t.Errorf("%+v", e.Limits)
	}
	if e := tenant(t, h, `limits: {concurrent_turns: ~}`); e.Limits.ConcurrentTurns != 8 {
		t.Errorf("a null gives %+v, want the host's limit", e.Limits)
	}
	if e := tenant(t, h, `limits: ~`); e.Limits.TurnTimeout != 600*time.Second {
		t.Errorf("a null gives %+v, want the host's limits", e.Limits)
	}
}

// 0 lifts turns_per_minute and reply_tokens, and so is more than any other value.
func TestATenantLiftsNoLimit(t *testing.T) {
	free := loadHost(t, `defaults: {llm: {provider: echo}, limits: {reply_tokens: 5}}`)
	if e := tenant(t, free, `limits: {turns_per_minute: 1000000, reply_tokens: 0}`); e.Limits.TurnsPerMinute != 1000000 || e.Limits.ReplyTokens != 0 {
		t.Errorf("below no ceiling: %+v", e.Limits)
	}
	bound := loadHost(t, `{limits: {turns_per_minute: 60, reply_tokens: 100}, defaults: {llm: {provider: echo}}}`)
	if e := tenant(t, bound, ``); e.Limits.TurnsPerMinute != 60 || e.Limits.ReplyTokens != 100 {
		t.Errorf("inherited: %+v", e.Limits)
	}
	if e := tenant(t, bound, `limits: {turns_per_minute: 60, reply_tokens: 1}`); e.Limits.TurnsPerMinute != 60 || e.Limits.ReplyTokens != 1 {
		t.Errorf("lower: %+v", e.Limits)
	}
	doc, err := ParseYAML("t.yaml", []byte(`limits: {turns_per_minute: 0, reply_tokens: 101}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = bound.Tenant(t.Context(), "t", Documents{Operator: doc}, testSchemas(t))
	const want = `t.yaml:1:10: limits.turns_per_minute: is 0, which is unlimited, above the host's limit of 60 (host.yaml:1:11); expected 1 to 60
t.yaml:1:31: limits.reply_tokens: is 101, above the host's limit of 100 (host.yaml:1:33); expected at most 100`
	if got := message(t, err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Only what the tenant itself sets makes it impatient.
func TestImpatience(t *testing.T) {
	h := loadHost(t, `{limits: {token_timeout: 30}, defaults: {llm: {provider: echo}, limits: {first_token_timeout: 5}}}`)
	for src, want := range map[string]bool{
		``: false, `limits: {turn_timeout: 1}`: false, `limits: {token_timeout: ~}`: false, `limits: ~`: false,
		`limits: {token_timeout: 1}`: true, `limits: {first_token_timeout: 1}`: true,
	} {
		if e := tenant(t, h, src); e.Limits.TenantSetTokenTimeout != want {
			t.Errorf("%s: %v", src, e.Limits.TenantSetTokenTimeout)
		}
	}
}

func TestCheckDefaults(t *testing.T) {
	schemas := testSchemas(t)
	for src, want := range map[string]string{
		`{}`: "",
		`defaults: {llm: {provider: openai}, prompts: {system: "{{company}}"}}`:                                               "",
		`defaults: {llm: {provider: openai, api_key: "${env:NONE}"}}`:                                                         `host.yaml:1:36: defaults.llm.api_key: missing secret: the environment variable NONE is not set`,
		`defaults: {llm: {provider: opnai}, memory: {max_mesages: 1}}`:                                                        "host.yaml:1:18: defaults.llm.provider: no llm plugin is named \"opnai\"; did you mean \"openai\"?\nhost.yaml:1:45: defaults.memory.max_mesages: unknown key; did you mean \"max_messages\"?",
		`{limits: {concurrent_turns: 2}, defaults: {limits: {concurrent_turns: 3}}}`:                                          `host.yaml:1:53: defaults.limits.concurrent_turns: is 3, above the host's limit of 2 (host.yaml:1:11); expected at most 2`,
		`defaults: {llm: {provider: openai, api_key: "${file:/etc/botyard/none}"}, knowledge_base: {type: x, enabled: true}}`: "host.yaml:1:36: defaults.llm.api_key: missing secret: the file /etc/botyard/none cannot be read: no such file or directory\nhost.yaml:1:101: defaults.knowledge_base.enabled: no knowledge plugin exists yet; expected false",
	} {
		err := loadHost(t, src).CheckDefaults(t.Context(), schemas)
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", src, err)
			}
			continue
		}
		if got := message(t, err); got != want {
			t.Errorf("%s gives\n%s\nwant\n%s", src, got, want)
		}
	}
}

func TestHostIsConcurrent(t *testing.T) {
	h := loadHost(t, `defaults: {llm: {provider: openai, model: m, api_key: "${env:K}"}}`, "K=sk-operator-key")
	schemas := testSchemas(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			doc := FromMap("t", map[string]any{"llm": map[string]any{"user": fmt.Sprint(i), "models": map[string]int{"a": i}}})
			for range 20 {
				e, err := h.Tenant(t.Context(), fmt.Sprint("tenant-", i), Documents{Operator: doc}, schemas)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := h.Resolve(e, e.LLM)
				if want := fmt.Sprintf(`{"api_key":"sk-operator-key","model":"m","models":{"a":%d},"user":"%d"}`, i, i); err != nil || string(got) != want {
					t.Errorf("%s, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}
