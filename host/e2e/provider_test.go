package e2e

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ollama answers as an Ollama server does and remembers the keys that it was sent.
type ollama struct {
	url  string
	mu   sync.Mutex
	keys []string
}

func serveOllama(t *testing.T) *ollama {
	o := &ollama{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.keys = append(o.keys, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		o.mu.Unlock()
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = w.Write([]byte(`{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"hi"},"done":true,"done_reason":"stop"}` + "\n"))
	}))
	t.Cleanup(s.Close)
	o.url = s.URL
	return o
}

// sent answers the keys since the last time.
func (o *ollama) sent() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	keys := slices.Compact(o.keys)
	o.keys = nil
	return keys
}
