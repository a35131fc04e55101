package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// fewSlots is an Ollama server that records how many requests it has at once. A request lasts until the
// test sends to next.
type fewSlots struct {
	*httptest.Server
	next chan struct{} // a value completes one request

	mu     sync.Mutex
	here   int
	most   int
	served []string // system prompts of the requests in the order of their arrival
}

func serveFewSlots(t *testing.T) *fewSlots {
	s := &fewSlots{next: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var req struct{ Messages []struct{ Content string } }
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil || len(req.Messages) == 0 {
			http.Error(w, "no messages", http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		s.here++
		s.most = max(s.most, s.here)
		s.served = append(s.served, req.Messages[0].Content)
		s.mu.Unlock()
		select {
		case <-s.next:
		case <-r.Context().Done():
		}
		s.mu.Lock()
		s.here--
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = w.Write([]byte(`{"model":"m","message":{"role":"assistant","content":"hi"},"done":true,"done_reason":"stop"}` + "\n"))
	}))
	t.Cleanup(s.Close)
	return s
}

// TestFairness_upstreamWithFewSlots checks that tenants take turns at a server that runs one call at a
// time. While 40 turns of one tenant wait, a turn of another tenant must be among the next few, also if it
// has options of its own.
func TestFairness_upstreamWithFewSlots(t *testing.T) {
	server := serveFewSlots(t)
	tenant := func(system, options string) string {
		return fmt.Sprintf(`{"llm": {"provider": "ollama", "model": "m", "base_url": %q, "options": {%s}}, "prompts": {"system": %q}}`, server.URL, options, system)
	}
	host := start(t, "limits {\n  concurrent_turns = 64\n}\n"+echoDefaults, nil)
	host.put("flood", tenant("flood", ""))
	host.put("same", tenant("same", ""))
	host.put("other", tenant("other", `"temperature": 0`))
	var all sync.WaitGroup
	turn := func(tenant, conversation string) {
		all.Go(func() {
			if a := host.chat(tenant, conversation, "hello"); a.Status != 200 {
				t.Errorf("%s: %d %s", tenant, a.Status, a.Body)
			}
		})
	}
	const flood = 40
	for i := range flood {
		turn("flood", fmt.Sprint("c", i))
	}
	waiting := func(n int) func() bool {
		return func() bool { return host.plugins()["llm-ollama"].Waiting == n }
	}
	host.eventually(time.Minute, "the flood waits in the host", waiting(flood-1))
	turn("same", "c")
	turn("other", "c")
	host.eventually(time.Minute, "the others wait too", waiting(flood+1))
	for range flood + 2 {
		server.next <- struct{}{}
	}
	all.Wait()
	if server.most != 1 {
		t.Errorf("the server had %d requests at once", server.most)
	}
	for _, who := range []string{"same", "other"} {
		// Three turns may come before: the running turn, a waiting turn of "flood", and a turn of the
		// third tenant.
		if at := slices.Index(server.served, who); at < 0 || at > 3 {
			t.Errorf("the turn of %q was number %d: %q", who, at+1, server.served[:8])
		}
	}
}
