package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLibraryKeys_areReplaced checks that a key of the library in a tenant's document, in the defaults,
// in a plan and at the top of a host file gets a message with what takes its place.
func TestLibraryKeys_areReplaced(t *testing.T) {
	const defaults = `{defaults: {llm: {provider: echo}}}`
	for name, c := range map[string]struct{ host, doc, want string }{
		"a tenant's":     {defaults, `{llm: {timeout: 30}}`, "llm.timeout: unknown key; here it is `limits.first_token_timeout`"},
		"a root key":     {defaults, `{system_prompt: hi}`, "system_prompt: unknown key; here it is `prompts.system`"},
		"any prompt":     {defaults, `{prompts: {greeting: hi}}`, "prompts.greeting: unknown key; here a prompt that requests name is below `prompts.named`"},
		"a flat address": {`{defaults: {llm: {provider: echo}, conversation_storage: {backend: postgres, connection: {host: h, database: d}}}}`, `{conversation_storage: {host: h}}`, "conversation_storage.host: unknown key; here it is `conversation_storage.connection.host`"},
		"a memory's":     {defaults, `{memory: {backend: faiss}}`, "memory.backend: unknown key; here `memory.type` selects the memory"},
		"a null":         {defaults, `{llm: {api_base: null}}`, "llm.api_base: unknown key; here it is `llm.base_url`"},
		"another key":    {defaults, `{llm: {prefixx: a}}`, `llm.prefixx: unknown key; did you mean "prefix"?`},
		"of defaults":    {`{defaults: {llm: {provider: echo}, reasoning: {strategy: react}}}`, `{}`, "defaults.reasoning: unknown key; here there are no strategies"},
		"of a plan":      {`{defaults: {llm: {provider: echo}}, plan: {gold: {llm: {stop_sequences: [a]}}}}`, `{plan: gold}`, "stop_sequences: unknown key; here it is `llm.stop`"},
		"of the host":    {`{cache_ttl: 300, defaults: {llm: {provider: echo}}}`, `{}`, "cache_ttl: unknown key; here it is `registry.cache_ttl`"},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := loadFiles(t, "", c.host)
			if err == nil {
				_, err = h.Tenant(t.Context(), "client-a", Documents{Operator: yamlDoc(t, c.doc)}, testSchemas(t))
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %s", err, c.want)
			}
		})
	}
}

// TestLibraryKeys_ofAPlugin checks that a plugin may have a key of the same name.
func TestLibraryKeys_ofAPlugin(t *testing.T) {
	e := tenant(t, loadHost(t, `{defaults: {llm: {provider: openai, model: m, api_key: operators-key}}}`), `{llm: {timeout: 3}}`)
	if e.LLM.Config["timeout"] != int64(3) {
		t.Errorf("%v", e.LLM.Config)
	}
}

// TestLibraryKeys_nameKeysThatThereAre checks that no key of libraryKeys is a key of the schemas, and that
// each key which a message names is a key of the schemas. It does not check keys that a plugin defines.
func TestLibraryKeys_nameKeysThatThereAre(t *testing.T) {
	quoted := regexp.MustCompile("`([a-z_.]+)`")
	for _, key := range slices.Sorted(maps.Keys(libraryKeys)) {
		text := libraryKeys[key]
		schema := tenantSchema()
		if rest, ok := strings.CutPrefix(key, "."); ok {
			schema, key = hostSchema(), rest
		}
		if _, known := schema.cursor().at(strings.Split(key, "."), nil); known && !isPluginKey(key) && !strings.HasSuffix(key, "*") {
			t.Errorf("%s is a key, so that nobody is told %q", key, text)
		}
		for _, m := range quoted.FindAllStringSubmatch(text, -1) {
			path := Path(strings.Split(m[1], "."))
			_, ofTenant := tenantSchema().cursor().at(path, nil)
			_, ofHost := hostSchema().cursor().at(path, nil)
			if len(path) > 1 && !ofTenant && !ofHost && !isPluginKey(m[1]) {
				t.Errorf("%s: %q names %s, which is no key", key, text, m[1])
			}
		}
	}
}

// isPluginKey reports whether the key is in a block that a plugin defines.
func isPluginKey(key string) bool {
	block, _, _ := strings.Cut(key, ".")
	return slices.Contains([]string{"llm", "memory", "conversation_storage"}, block)
}
