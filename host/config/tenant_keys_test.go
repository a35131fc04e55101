package config

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	sdkschema "github.com/botyard/botyard/sdk/schema"
)

// TestTenantKeys_haveAnAuthor checks that the schema marks each key of a tenant file with who may
// set it.
func TestTenantKeys_haveAnAuthor(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(TenantFileSchema(), &root); err != nil {
		t.Fatal(err)
	}
	var walk func(path Path, node map[string]any)
	walk = func(path Path, node map[string]any) {
		below, _ := node["properties"].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(below)) {
			walk(path.with(key), below[key].(map[string]any))
		}
		if len(below) > 0 {
			return
		}
		if b, ok := blockOf(path[0]); ok && len(path) == 2 && path[1] == b.selector {
			return // tenant_policy.plugins decides who may set a selector
		}
		c, _ := tenantSchema().cursor().at(path, nil)
		if c.marks.author == byUnmarked {
			t.Errorf("%s: nobody decided who may set it: mark it with %s, %s or %s", path, sdkschema.TenantKeyword, sdkschema.LowerKeyword, sdkschema.OperatorKeyword)
		}
	}
	walk(nil, root)
	for _, key := range slices.Sorted(maps.Keys(defaultLimits())) {
		c, _ := tenantSchema().cursor().at(Path{limitsKey, key}, nil)
		if c.marks.author != byLower || c.marks.zeroUnlimited != (key == "turns_per_minute" || key == "reply_tokens" || key == "context_tokens") {
			t.Errorf("limits.%s: %+v", key, c.marks)
		}
	}
}
