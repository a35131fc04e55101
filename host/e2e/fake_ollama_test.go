package e2e

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ollama is a fake Ollama server that records the API keys of the requests.
type ollama struct {
	url     string
	mu      sync.Mutex
	keys    []string
	replies []string // pieces of each reply as JSON strings; nil is the reply "hi"
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

// says sets the pieces of all further replies, as JSON strings.
func (o *ollama) says(pieces ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.replies = pieces
}

// sent returns the API keys of the requests since the last call of sent, without repetitions in a row.
func (o *ollama) sent() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	keys := slices.Compact(o.keys)
	o.keys = nil
	return keys
}
