package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serveCompletions runs a server of chat completions until the test ends, and returns its base URL. Its model
// repeats the last message, counts when it is told to, calls the first tool that it gets, and answers with
// JSON if the request has a format.
func serveCompletions(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/embeddings", func(w http.ResponseWriter, r *http.Request) {
		var req struct{ Input []string }
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		var vectors []string
		for i, text := range req.Input {
			vectors = append(vectors, fmt.Sprintf(`{"index":%d,"embedding":[%d,1]}`, i, len(text)))
		}
		_, _ = fmt.Fprintf(w, `{"model":"m","data":[%s],"usage":{"prompt_tokens":%d}}`, strings.Join(vectors, ","), len(vectors))
	})
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		var req struct {
			Messages []struct {
				Role    string
				Content any
			}
			Stream bool
			Tools  []struct{ Function struct{ Name string } }
			Choice any             `json:"tool_choice"`
			Format json.RawMessage `json:"response_format"`
		}
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil || len(req.Messages) == 0 || !req.Stream {
			http.Error(w, "no messages", http.StatusBadRequest)
			return
		}
		last := req.Messages[len(req.Messages)-1]
		text := fmt.Sprint(last.Content)
		pieces := 1
		if strings.HasPrefix(text, "Count") {
			pieces = 10_000
		}
		w.Header().Set("Content-Type", "text/event-stream")
		send := func(data string) {
			_, _ = fmt.Fprintf(w, "data: %s\n\n", data)
			w.(http.Flusher).Flush()
		}
		switch {
		case req.Format != nil:
			text = `{"answer":"yes"}`
		case len(req.Tools) > 0 && req.Choice != "none" && last.Role != "tool":
			send(`{"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"` +
				req.Tools[0].Function.Name + `","arguments":"{\"zone\":\"UTC\"}"}}]},"finish_reason":"tool_calls"}]}`)
			send("[DONE]")
			return
		}
		quoted, _ := json.Marshal(text) // texts always marshal
		for n := range pieces {
			if n > 0 {
				select {
				case <-r.Context().Done():
					return
				case <-time.After(time.Millisecond):
				}
			}
			send(fmt.Sprintf(`{"model":"m","choices":[{"index":0,"delta":{"content":%s},"finish_reason":null}]}`, quoted))
		}
		send(`{"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`)
		send(fmt.Sprintf(`{"model":"m","choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":%d}}`, len(req.Messages), pieces))
		send("[DONE]")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/v1"
}
