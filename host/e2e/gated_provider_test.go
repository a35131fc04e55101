package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// gatedProvider is a fake Ollama server that can hold back its replies. A message that begins with "hold"
// gets its reply only after release. A message that begins with "drip" gets the first token at once and
// the other tokens after release.
type gatedProvider struct {
	url string

	mu     sync.Mutex
	held   int
	open   chan struct{} // closed to release the held replies
	key    string        // API key of the newest request
	tokens int           // num_predict of the newest request
}

func serveGatedProvider(t *testing.T) *gatedProvider {
	g := &gatedProvider{open: make(chan struct{})}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var req struct {
			Messages []struct{ Content string }
			Options  struct {
				Tokens int `json:"num_predict"`
			}
		}
		_ = json.NewDecoder(r.Body).Decode(&req)
		text := ""
		if len(req.Messages) > 0 {
			text = req.Messages[len(req.Messages)-1].Content
		}
		g.mu.Lock()
		g.key, g.tokens = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), req.Options.Tokens
		open := g.open
		g.mu.Unlock()
		w.Header().Set("Content-Type", "application/x-ndjson")
		if strings.HasPrefix(text, "drip") {
			_, _ = w.Write([]byte(`{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"first "},"done":false}` + "\n"))
			w.(http.Flusher).Flush()
		}
		if strings.HasPrefix(text, "drip") || strings.HasPrefix(text, "hold") {
			g.count(1)
			defer g.count(-1)
			select {
			case <-open:
			case <-r.Context().Done():
				return
			}
		}
		_, _ = w.Write([]byte(`{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"hi"},"done":true,"done_reason":"stop"}` + "\n"))
	}))
	t.Cleanup(s.Close)
	t.Cleanup(g.release)
	g.url = s.URL
	return g
}

func (g *gatedProvider) count(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held += n
}

// holds returns a function that reports whether the provider holds back n replies.
func (g *gatedProvider) holds(n int) func() bool {
	return func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.held == n
	}
}

// release sends all replies that are held back. Later replies are held back again.
func (g *gatedProvider) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.open)
	g.open = make(chan struct{})
}

func (g *gatedProvider) last() (key string, tokens int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.key, g.tokens
}
