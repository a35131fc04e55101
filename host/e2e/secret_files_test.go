package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestSecretFiles_changed checks that the host uses a changed secret without a reload. If the provider
// refuses the old secret, the host must look for a new secret at once.
func TestSecretFiles_changed(t *testing.T) {
	var mu sync.Mutex
	accept := "Bearer one"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("Authorization") != accept {
			http.Error(w, `{"error":"unauthorized"}`, http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"hi"},"done":true,"done_reason":"stop"}` + "\n"))
	}))
	defer server.Close()
	secrets := t.TempDir()
	key := func(text string) {
		if err := os.MkdirAll(filepath.Join(secrets, "a"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(secrets, "a", "key"), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key("one")
	host := start(t, "secrets_dir = \""+secrets+"\"\n", map[string]string{
		"a.hcl": "llm {\n  provider = \"ollama\"\n  model = \"m\"\n  base_url = \"" + server.URL + "\"\n  api_key = file(\"key\")\n}\n",
	})
	host.mustChat("a", "c", "x")
	mu.Lock()
	accept = "Bearer two"
	mu.Unlock()
	if a := host.chat("a", "c", "x"); a.Status != 502 || a.Class != "unauthenticated" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	key("two")
	// After the refusal the host reads the secret again. Its next turn uses the new secret.
	if a := host.chat("a", "c", "x"); a.Status != 502 && a.Status != 200 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	host.mustChat("a", "c", "x")
	mu.Lock()
	accept = "Bearer three"
	mu.Unlock()
	key("three")
	time.Sleep(2*applyWithin - time.Second) // the host polls the files; no request comes meanwhile
	host.mustChat("a", "c", "x")
}
