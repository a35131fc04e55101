package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/plugintest"
	"github.com/botyard/botyard/pgtest"
)

// TestPluginTest_builtIn checks that each plugin of this repository keeps all rules that botyard plugin test
// checks, and that no rules are skipped but those that do not apply to it, or that the host cannot check.
func TestPluginTest_builtIn(t *testing.T) {
	for _, c := range []struct {
		plugin  string
		config  func(*testing.T) map[string]any
		without []string // rules that may be skipped, and the beginnings of their names with "-" at the end
	}{
		{"llm-echo", func(*testing.T) map[string]any { return map[string]any{"token_delay_ms": 1} },
			[]string{"llm/check", "llm/classified", "llm/refuses-media", "llm/refuses-reasoning", "llm/can-see-images", "llm/can-take-reasoning"}}, // it takes all
		{"llm-anthropic", func(t *testing.T) map[string]any {
			return map[string]any{"base_url": serveAnthropic(t), "model": "claude-parrot-4-6"}
		}, []string{"llm/check", "llm/classified", "llm/refuses-reasoning", "llm/can-take-reasoning", "llm/embed"}}, // it takes its own reasoning only, and embeds nothing
		{"llm-ollama", func(t *testing.T) map[string]any {
			return map[string]any{"base_url": serveParrot(t), "model": "parrot", "parallel": 64}
		}, []string{"llm/check", "llm/classified", "llm/refuses-tool-choice", "llm/refuses-reasoning", "llm/can-call-tools", "llm/can-see-images"}}, // its model takes no tools
		{"llm-openai", func(t *testing.T) map[string]any {
			return map[string]any{"base_url": serveCompletions(t), "model": "m"}
		}, []string{"llm/check", "llm/classified", "llm/refuses-tool-choice", "llm/refuses-formats", "llm/refuses-reasoning", "llm/can-take-reasoning"}}, // it takes its own reasoning only
		{"memory-buffer", func(*testing.T) map[string]any { return map[string]any{"max_messages": 10} },
			[]string{"memory/remember-", "memory/forget", "memory/forget-", "memory/reused-id", "memory/retracted-ahead"}}, // it keeps nothing
		{"storage-memory", func(*testing.T) map[string]any { return map[string]any{} },
			[]string{"storage/migrate", "storage/restart", "storage/restart-"}}, // it keeps nothing beyond its process
		{"storage-sqlite", func(*testing.T) map[string]any { return map[string]any{} },
			nil},
		{"storage-postgres", func(t *testing.T) map[string]any {
			database := pgtest.For(t, pgtest.Options{NoSync: true})
			return map[string]any{"dsn": database.DSN(newDatabase(t, database))}
		}, nil},
	} {
		t.Run(c.plugin, func(t *testing.T) {
			t.Parallel()
			host := &hostProcess{t: t, dir: shortDir(t)}
			config, err := json.Marshal(c.config(t))
			if err != nil {
				t.Fatal(err)
			}
			host.write("plugin.json", string(config))
			out, err := exec.CommandContext(t.Context(), filepath.Join(binaries, "botyard"), "plugin", "test",
				filepath.Join(binaries, "plugins", "botyard-"+c.plugin), "--config", filepath.Join(host.dir, "plugin.json"), "--json").Output()
			var results []plugintest.Result
			if unreadable := json.Unmarshal(out, &results); err != nil || unreadable != nil || len(results) == 0 {
				t.Errorf("%v, %v: %s", err, unreadable, out)
			}
			for _, r := range results {
				switch r.Outcome {
				case plugintest.Failed:
					t.Errorf("%s: %s", r.Rule, r.Problem)
				case plugintest.Skipped:
					if !slices.ContainsFunc(c.without, func(name string) bool {
						return r.Rule == name || strings.HasSuffix(name, "-") && strings.HasPrefix(r.Rule, name)
					}) {
						t.Errorf("%s is skipped", r.Rule)
					}
				}
			}
		})
	}
}

// serveParrot runs an Ollama server until the test ends, and returns its URL. Its model repeats the last
// message, counts when it is told to, and keeps the response formats of the kit. It takes no images and no tools.
func serveParrot(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/show", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"capabilities":["completion"],"model_info":{"general.architecture":"parrot","parrot.context_length":2048}}`))
	})
	mux.HandleFunc("POST /api/embed", func(w http.ResponseWriter, r *http.Request) {
		var req struct{ Input []string }
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		var vectors []string
		for _, text := range req.Input {
			vectors = append(vectors, fmt.Sprintf("[%d,1]", len(text)))
		}
		_, _ = fmt.Fprintf(w, `{"model":"parrot","embeddings":[%s],"prompt_eval_count":%d}`, strings.Join(vectors, ","), len(vectors))
	})
	mux.HandleFunc("POST /api/chat", func(w http.ResponseWriter, r *http.Request) {
		var req struct {
			Messages []struct{ Content string }
			Format   any
		}
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil || len(req.Messages) == 0 {
			http.Error(w, "no messages", http.StatusBadRequest)
			return
		}
		text := req.Messages[len(req.Messages)-1].Content
		switch req.Format.(type) {
		case string: // "json"
			text = `{"said":1}`
		case map[string]any:
			text = `{"answer":"yes"}`
		}
		pieces := 1
		if strings.HasPrefix(text, "Count") {
			pieces = 10_000
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		send := func(content, rest string) {
			quoted, _ := json.Marshal(content) // texts always marshal
			_, _ = fmt.Fprintf(w, `{"model":"parrot","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":%s},%s}`+"\n", quoted, rest)
			w.(http.Flusher).Flush()
		}
		for n := range pieces {
			if n > 0 {
				select {
				case <-r.Context().Done():
					return
				case <-time.After(time.Millisecond):
				}
			}
			send(text, `"done":false`)
		}
		send("", fmt.Sprintf(`"done":true,"done_reason":"stop","prompt_eval_count":%d,"eval_count":%d`, len(req.Messages), pieces))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// serveAnthropic runs a server of Anthropic's Messages API until the test ends, and returns its URL. Its
// model repeats the last message, and counts when it is told to. It calls a tool if it must, and answers yes
// in a format.
func serveAnthropic(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models/{model}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"id":%q,"max_input_tokens":200000}`, r.PathValue("model"))
	})
	mux.HandleFunc("POST /v1/messages", func(w http.ResponseWriter, r *http.Request) {
		var req struct {
			Messages []struct{ Content []struct{ Text string } }
			Choice   struct{ Type, Name string } `json:"tool_choice"`
			Output   struct{ Format *struct{} }  `json:"output_config"`
		}
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil || len(req.Messages) == 0 {
			http.Error(w, "no messages", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		send := func(event string, values ...any) {
			_, _ = fmt.Fprintf(w, "data: "+event+"\n\n", values...)
			w.(http.Flusher).Flush()
		}
		send(`{"type":"message_start","message":{"model":"claude-parrot-4-6","usage":{"input_tokens":5,"output_tokens":1}}}`)
		finish := func(reason string, tokens int) {
			send(`{"type":"content_block_stop","index":0}`)
			send(`{"type":"message_delta","delta":{"stop_reason":%q},"usage":{"output_tokens":%d}}`, reason, tokens)
			send(`{"type":"message_stop"}`)
		}
		if req.Choice.Type == "tool" {
			send(`{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":%q,"input":{}}}`, req.Choice.Name)
			finish("tool_use", 3)
			return
		}
		content := req.Messages[len(req.Messages)-1].Content
		text, pieces := content[0].Text, 1
		switch {
		case req.Output.Format != nil:
			text = `{"answer":"yes"}`
		case text == "":
			text = "I see."
		case strings.HasPrefix(text, "Count"):
			pieces = 10_000
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
			send(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":%s}}`, quoted)
		}
		finish("end_turn", pieces)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}
