package config

import (
	"strings"
	"testing"
)

func TestValidTenantID(t *testing.T) {
	for _, id := range []string{"a", "client-a", "Client_A.1", "0", strings.Repeat("x", 64), "a."} {
		if err := ValidTenantID(id); err != nil {
			t.Error(err)
		}
	}
	for _, id := range []string{"", ".", "..", "a..b", "-a", "_a", ".a", "a/b", "../a", "a\\b", "a b", "a\n", "é", "a\x00", strings.Repeat("x", 65), "a:b"} {
		if ValidTenantID(id) == nil {
			t.Errorf("%q is accepted", id)
		}
		h := loadHost(t, `defaults: {llm: {provider: echo}}`)
		if _, err := h.Tenant(t.Context(), id, Documents{}, testSchemas(t)); err == nil {
			t.Errorf("Tenant accepts %q", id)
		}
	}
}
