package e2e

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestInheritedSecret_otherEndpoint checks that a tenant that sets a base_url of its own does not inherit
// the API key, so that the key is not sent to that server.
func TestInheritedSecret_otherEndpoint(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.Header.Get("Authorization"))
		mu.Unlock()
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = w.Write([]byte(`{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"hi"},"done":true,"done_reason":"stop"}` + "\n"))
	}))
	defer server.Close()
	host := start(t, `
defaults {
  llm {
    provider = "ollama"
    model    = "m"
    base_url = "`+server.URL+`"
    api_key  = "inherited-key"
  }
}
`, nil)
	host.put("good", `{"prompts":{"system":"x"}}`)
	host.put("same", `{"llm":{"base_url":"`+server.URL+`"}}`)
	evil := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	host.put("evil", `{"llm":{"base_url":"`+evil+`"}}`)
	host.put("own", `{"llm":{"base_url":"`+evil+`","api_key":"own-key"}}`)
	for tenant, key := range map[string]string{"good": "inherited-key", "same": "inherited-key", "evil": "", "own": "own-key"} {
		mu.Lock()
		seen = nil
		mu.Unlock()
		host.mustChat(tenant, "c", "hello")
		mu.Lock()
		for _, s := range seen {
			if strings.TrimPrefix(s, "Bearer ") != key {
				t.Errorf("%s's server was sent %q; want %q", tenant, s, key)
			}
		}
		mu.Unlock()
	}
	for _, path := range []string{"", "/config"} {
		if a := host.do("GET", "/admin/v1/tenants/own"+path, ""); a.Status != 200 || strings.Contains(string(a.Body), "own-key") || !strings.Contains(string(a.Body), "\\u003csecret\\u003e") && !strings.Contains(string(a.Body), "<secret>") {
			t.Errorf("GET %s: %d %s", path, a.Status, a.Body)
		}
	}
	// A PUT with the placeholder <secret> does not change the stored key.
	host.put("own", `{"llm":{"base_url":"`+evil+`","api_key":"<secret>"},"prompts":{"system":"changed"}}`)
	mu.Lock()
	seen = nil
	mu.Unlock()
	host.mustChat("own", "c", "again")
	// The host refuses the placeholder if the same PUT changes the endpoint.
	if a := host.do("PUT", "/admin/v1/tenants/own", `{"llm":{"base_url":"`+server.URL+`","api_key":"<secret>"}}`); a.Status != 422 || !strings.Contains(string(a.Body), "llm.api_key") {
		t.Errorf("a kept key to another endpoint: %d %s", a.Status, a.Body)
	}
	mu.Lock()
	defer mu.Unlock()
	if keys := slices.Compact(seen); len(keys) != 1 || keys[0] != "Bearer own-key" {
		t.Errorf("after the placeholder was put back the server was sent %q", seen)
	}
	if strings.Contains(host.log.String(), "own-key") || strings.Contains(host.log.String(), "inherited-key") {
		t.Error("the log has a secret in it")
	}
}
