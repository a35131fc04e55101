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
	url     string
	mu      sync.Mutex
	keys    []string
	replies []string // JSON strings, the pieces of each reply; nil is "hi"
}

func serveOllama(t *testing.T) *ollama {
	o := &ollama{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.keys = append(o.keys, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		pieces := o.replies
		o.mu.Unlock()
		if pieces == nil {
			pieces = []string{`"hi"`}
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		for _, p := range pieces {
			_, _ = w.Write([]byte(`{"model":"m\u0000","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":` + p + `},"done":false}` + "\n"))
		}
		_, _ = w.Write([]byte(`{"model":"m\u0000","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}` + "\n"))
	}))
	t.Cleanup(s.Close)
	o.url = s.URL
	return o
}

// says sets the pieces of each reply from now on, as JSON strings.
func (o *ollama) says(pieces ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.replies = pieces
}

// sent answers the keys since the last time.
func (o *ollama) sent() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	keys := slices.Compact(o.keys)
	o.keys = nil
	return keys
}
