package api

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// logBuffer collects the log of a server.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestProblem_whatCallersAndOperatorsRead checks the problems for a provider's error that contains
// the API key and the provider's address. No problem shows the key. Callers get a fixed sentence,
// and the operator gets the other details.
func TestProblem_whatCallersAndOperatorsRead(t *testing.T) {
	const key, said = "sk-0123456789-abcdef", "10.0.0.7:443 does not know the key "
	var log logBuffer
	s := serve(t, Options{Log: hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Info, JSONFormat: true})})
	s.register("t", echoWith(map[string]any{
		"api_key": key, "tokens": 5, "fail": map[string]any{"class": "forbidden", "after_tokens": 0, "message": said + key},
	}))
	s.register("late", echoWith(map[string]any{
		"api_key": key, "tokens": 5, "fail": map[string]any{"class": "provider_failed", "after_tokens": 2, "message": said + key},
	}))
	callers := map[string]string{}
	read := func(name string, h headers, method, path, body string) {
		resp := s.request(method, path, h, body)
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		callers[name] = string(b)
	}
	h := headers{"X-Tenant-ID": "t", "X-Request-ID": "the-request"}
	read("a chat", h, "POST", "/api/v1/chat", chatBody("c", "m"))
	read("a stream", h, "POST", "/api/v1/chat", chatBody("c", "m", "stream", true))
	read("a stream that breaks", headers{"X-Tenant-ID": "late"}, "POST", "/api/v1/chat", chatBody("c", "m", "stream", true))
	read("the turns", h, "GET", "/api/v1/conversations/c/turns", "")
	read("the turns that broke", headers{"X-Tenant-ID": "late"}, "GET", "/api/v1/conversations/c/turns", "")
	for name, text := range callers {
		if strings.Contains(text, "10.0.0.7") || strings.Contains(text, key) || strings.Contains(text, `"detail":"10`) {
			t.Errorf("%s tells its caller too much: %s", name, text)
		}
	}
	var p Problem
	if err := json.Unmarshal([]byte(callers["a chat"]), &p); err != nil {
		t.Fatal(err)
	}
	if want := "llm: the credentials in the tenant's settings do not allow this for the bot's model"; p.Detail != want || p.Path != "llm" || p.RequestID != "the-request" {
		t.Errorf("%+v, want %q", p, want)
	}
	if turns := s.turns("t", "c"); len(turns) != 2 || turns[0].Reason != "forbidden: "+p.Detail || strings.Contains(string(turns[0].Record), "failure") || !strings.Contains(string(turns[0].Record), "revision") {
		t.Errorf("%+v", turns)
	}

	var shown InspectedTurn
	s.call("GET", "/admin/v1/tenants/t/conversations/c/turns/1?by=sequence", nil, "", 200, &shown)
	var record struct {
		Failure struct{ Party, Path, Detail string }
	}
	if err := json.Unmarshal(shown.Turn.Record, &record); err != nil {
		t.Fatal(err)
	}
	if f := record.Failure; f.Detail != "llm: "+said+"<secret>" || f.Party != "tenant" || f.Path != "llm" {
		t.Errorf("the operator is shown %+v", f)
	}
	text := log.String()
	for _, want := range []string{`"request_id":"the-request"`, `"tenant":"t"`, said + `\u003csecret\u003e`, `"party":"tenant"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, key) {
		t.Errorf("the log has the key:\n%s", text)
	}
}
