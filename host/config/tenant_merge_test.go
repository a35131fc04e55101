package config

import (
	"testing"
)

func TestTenantMerge_owner(t *testing.T) {
	const host = `{defaults: {llm: {provider: ollama, model: m}}}`
	const shared = `{defaults: {llm: {provider: ollama, model: m}, conversations: {owner: tenant}}}`
	revisions := map[string]string{}
	for _, try := range []struct{ name, host, doc, want string }{
		{"unless told", host, `{}`, OwnerUser},
		{"the tenant's", host, `{conversations: {owner: tenant}}`, OwnerTenant},
		{"inherited", shared, `{}`, OwnerTenant},
		{"changed back", shared, `{conversations: {owner: user}}`, OwnerUser},
		{"removed", shared, `{conversations: {owner: null}}`, OwnerUser},
		{"removed with its block", shared, `{conversations: null}`, OwnerUser},
	} {
		e, err := loadHost(t, try.host).Tenant(t.Context(), "client-a", Documents{Operator: yamlDoc(t, try.doc)}, testSchemas(t))
		if err != nil {
			t.Errorf("%s: %v", try.name, err)
			continue
		}
		if e.Owner != try.want {
			t.Errorf("%s: %q; want %q", try.name, e.Owner, try.want)
		}
		if known := revisions[e.Owner]; known != "" && known != e.Revision {
			t.Errorf("%s: the revision is not that of another configuration that says the same", try.name)
		}
		revisions[e.Owner] = e.Revision
	}
	if revisions[OwnerUser] == revisions[OwnerTenant] {
		t.Error("whose conversations are is not in the revision")
	}
}
