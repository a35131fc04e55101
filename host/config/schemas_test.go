package config

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestSchemas_fail(t *testing.T) {
	h := loadHost(t, `defaults: {llm: {provider: openai}, conversation_storage: ~}`)
	_, err := h.Tenant(t.Context(), "client-a", Documents{}, failingSchemas{})
	const want = `built-in defaults: defaults.memory.type: the memory plugin "buffer" does not give its configuration schema: the process does not start
host.yaml:1:18: defaults.llm.provider: the llm plugin "openai" does not give its configuration schema: the process does not start
host.yaml:1:37: defaults.conversation_storage.backend: is required; expected the name of a storage plugin (for tenant client-a)`
	if got := message(t, err); got != want {
		t.Errorf("got\n%s", got)
	}
	_, err = h.Tenant(t.Context(), "client-a", Documents{Operator: yamlDoc(t, `llm: {provider: none}`)}, testSchemas(t))
	if !errors.Is(err, ErrUnknownPlugin) {
		t.Errorf("%v is not ErrUnknownPlugin", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Tenant(ctx, "client-a", Documents{}, testSchemas(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
}

// TestSchemas_unknownDefault checks that all tenants share one merge of the host's layers even if
// the default plugin does not exist and each tenant selects another plugin.
func TestSchemas_unknownDefault(t *testing.T) {
	h := loadHost(t, `defaults: {llm: {provider: none, model: x}}`)
	schemas := testSchemas(t)
	doc := yamlDoc(t, `llm: {provider: openai, model: y, api_key: sk-12345678}`)
	var before *baseMerge
	for range 2 {
		e, err := h.Tenant(t.Context(), "a", Documents{Operator: doc}, schemas)
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && e.inputs.base != before {
			t.Error("merged again")
		}
		before = e.inputs.base
		if secrets, _ := e.TenantSecrets(); len(secrets.Literals) != 1 || secrets.Literals[0].String() != "llm.api_key" {
			t.Errorf("the tenant's secrets are %v", secrets.Literals)
		}
		for _, entry := range e.Explain() {
			if entry.Secret != (entry.Path.String() == "llm.api_key") || entry.Secret && entry.Value != "<secret>" {
				t.Errorf("%+v", entry)
			}
		}
	}
	schemas["llm"]["nine"] = schemas["llm"]["echo"]
	_, err := h.Tenant(t.Context(), "a", Documents{}, schemas)
	if want := `did you mean "nine"?`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v does not know the plugin that is new", err)
	}
}

// TestSchemaSnapshot_explain checks that Explain still uses the schemas from which the
// configuration was built after a plugin got a new schema.
func TestSchemaSnapshot_explain(t *testing.T) {
	h := loadHost(t, `defaults: {llm: {provider: openai, model: x, api_key: sk-operator-key}}`)
	schemas := testSchemas(t)
	e, err := h.Tenant(t.Context(), "a", Documents{}, schemas)
	if err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprint(e.Explain())
	schemas["llm"]["openai"] = compile(t, `{}`)
	if _, err := h.Tenant(t.Context(), "b", Documents{}, schemas); err != nil {
		t.Fatal(err)
	}
	if after := fmt.Sprint(e.Explain()); after != before || strings.Contains(after, "sk-") {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

// TestBaseMerge_schemaChange checks that the new schema of a replaced plugin applies to the next
// tenant, although tenants share a stored merge of the host's layers.
func TestBaseMerge_schemaChange(t *testing.T) {
	h := loadHost(t, `defaults: {llm: {provider: echo, prefix: x}}`)
	schemas := testSchemas(t)
	for range 2 {
		if _, err := h.Tenant(t.Context(), "a", Documents{}, schemas); err != nil {
			t.Fatal(err)
		}
	}
	schemas["llm"]["echo"] = compile(t, `{"type": "object", "additionalProperties": false, "properties": {"suffix": {}}}`)
	if _, err := h.Tenant(t.Context(), "a", Documents{}, schemas); err == nil {
		t.Error("the old schema was used")
	}
	delete(schemas["llm"], "echo")
	if _, err := h.Tenant(t.Context(), "a", Documents{}, schemas); !errors.Is(err, ErrUnknownPlugin) {
		t.Errorf("%v", err)
	}
}

type failingSchemas struct{}

func (failingSchemas) Schema(context.Context, string, string) (*Schema, error) {
	return nil, errors.New("the process does not start")
}

// placedSchemas is a Schemas whose errors name a folder and a file of the host.
type placedSchemas struct{ fakeSchemas }

func (s placedSchemas) Schema(ctx context.Context, kind, name string) (*Schema, error) {
	switch name {
	case "gone":
		return nil, &UnknownPluginError{Kind: kind, Name: name, Known: []string{"echo", "openai"}, Missing: []string{"/srv/plugins", "/opt/plugins"}}
	case "goes":
		return nil, &UnknownPluginError{Kind: kind, Name: name, Missing: []string{"/srv/plugins"}}
	case "broken":
		return nil, errors.New("/srv/plugins/botyard-llm-broken: permission denied")
	}
	return s.fakeSchemas.Schema(ctx, kind, name)
}

// TestProblems_ForTenant_namesNoFileOfTheHost checks that a tenant is told that a plugin which it selects,
// or a secret of the operator's settings, is missing, without the paths that the operator reads.
func TestProblems_ForTenant_namesNoFileOfTheHost(t *testing.T) {
	const openai = "llm: {provider: openai, model: m, api_key: sk-12345678"
	for name, c := range map[string]struct{ operator, own, tells string }{
		"a missing plugin":       {"{}", "llm: {provider: gone}", `no llm plugin is named "gone"; expected one of echo, openai`},
		"one, of no others":      {"{}", "llm: {provider: goes}", `no llm plugin is named "goes"`},
		"one in a fallback":      {openai + ", fallback: []}", "llm: {fallback: [{provider: gone}]}", `no llm plugin is named "gone"; expected one of echo, openai`},
		"a broken plugin":        {"{}", "llm: {provider: broken}", `the llm plugin "broken" cannot be used now; the operator can see why`},
		"a secret in a file":     {`llm: {provider: openai, model: m, api_key: "${file:/srv/secrets/key}"}`, "memory: {max_messages: 3}", "missing secret: one of the operator's settings; the operator can see which"},
		"one of the environment": {`llm: {provider: openai, model: m, api_key: "${env:SRV_KEY}"}`, "memory: {max_messages: 3}", "missing secret: one of the operator's settings; the operator can see which"},
	} {
		t.Run(name, func(t *testing.T) {
			h := loadHost(t, `{tenant_policy: {keys: [llm, memory], plugins: {llm: [gone, goes, broken]}}, defaults: {llm: {provider: echo}}}`)
			docs := Documents{Operator: yamlDoc(t, c.operator), Own: yamlDoc(t, c.own)}
			_, err := h.Tenant(t.Context(), "client-a", docs, placedSchemas{testSchemas(t)})
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatal(err)
			}
			if all := problems.Error(); name[:8] != "a secret" && !strings.Contains(strings.ToLower(all), "srv") {
				t.Errorf("the operator is told only %s", all)
			}
			told := problems.ForTenant(docs.Own, docs.Operator).Error()
			if strings.Contains(told, "/") || strings.Contains(told, "SRV") || !strings.Contains(told, c.tells) {
				t.Errorf("the tenant is told %s", told)
			}
		})
	}
}
