package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// lines gives the entries of a JSON log with the message.
func (l *logOf) lines(t *testing.T, message string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.SplitSeq(strings.TrimSpace(l.String()), "\n") {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if entry["@message"] == message {
			out = append(out, entry)
		}
	}
	return out
}

func infoLog(to *logOf) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Output: to, Level: hclog.Info, JSONFormat: true})
}

func TestEveryRouteThatChangesSomethingIsAnAct(t *testing.T) {
	s := serve(t, Options{})
	for pattern, methods := range s.server.routes() {
		for method, ro := range methods {
			changes := method != "GET" && requiredCaller(pattern) == adminCaller
			if changes != (ro.action != "") {
				t.Errorf("%s %s is the action %q", method, pattern, ro.action)
			}
		}
	}
}

func TestEachActIsLogged(t *testing.T) {
	var log logOf
	s := serve(t, Options{Log: infoLog(&log)})
	settings := `{"llm":{"provider":"echo","api_key":"sk-0123456789-abcdef"},"prompts":{"system":"nobody else reads this"}}`
	ask := func(id, method, path, body string) {
		resp := s.request(method, path, headers{"X-Request-ID": id}, body)
		_ = resp.Body.Close()
	}
	ask("put", "PUT", "/admin/v1/tenants/acme", settings)
	ask("try", "PUT", "/admin/v1/tenants/acme?dry_run=true", settings)
	ask("bad", "PUT", "/admin/v1/tenants/acme", `{"nonsense":1}`)
	ask("look", "GET", "/admin/v1/tenants/acme", "")
	ask("remove", "DELETE", "/admin/v1/tenants/acme", "")
	ask("again", "DELETE", "/admin/v1/tenants/acme", "")
	ask("clear", "DELETE", "/admin/v1/cache", "")
	done, refused := log.lines(t, "admin action"), log.lines(t, "admin action refused")
	var got []string
	for _, e := range append(done, refused...) {
		if e["by"] != "anybody" || !strings.HasPrefix(e["from"].(string), "127.0.0.1:") {
			t.Errorf("who: %v", e)
		}
		got = append(got, e["request_id"].(string)+": "+e["action"].(string)+" "+e["tenant"].(string))
	}
	const want = "put: put tenant acme, remove: remove tenant acme, clear: clear cache , bad: put tenant acme, again: remove tenant acme"
	if text := strings.Join(got, ", "); text != want {
		t.Fatalf("%s\nwant\n%s", text, want)
	}
	if done[0]["revision"] == nil || done[0]["created"] != true || done[1]["was_revision"] == nil || refused[0]["class"] != "invalid" || refused[1]["class"] != "not_found" {
		t.Errorf("%v, %v", done, refused)
	}
	if strings.Contains(log.String(), "sk-0123456789-abcdef") || strings.Contains(log.String(), "nobody else") {
		t.Errorf("the log has what was put:\n%s", &log)
	}
}

func TestATurnThatFailsIsLoggedOnceWithoutWhatWasSaid(t *testing.T) {
	const said = "what nobody else reads"
	var log logOf
	s := serve(t, Options{Log: infoLog(&log)})
	s.register("fails", echoWith(map[string]any{"tokens": 5, "fail": map[string]any{"class": "provider_failed", "after_tokens": 2, "message": "away"}}))
	s.register("works", echoWith(map[string]any{"tokens": 1}))
	ask := func(tenant, id, body string) {
		resp := s.request("POST", "/api/v1/chat", headers{"X-Tenant-ID": tenant, "X-Request-ID": id}, body)
		var all [1 << 16]byte
		for {
			if _, err := resp.Body.Read(all[:]); err != nil {
				break
			}
		}
		_ = resp.Body.Close()
	}
	ask("works", "well", chatBody("c", said))
	ask("fails", "at-once", chatBody("c", said))
	ask("fails", "streamed", chatBody("c", said, "stream", true))
	ask("works", "malformed", `{"conversation_id":"c","message":"x","`+said+`":"`+said+`"}`)
	ask("nobody", "unknown", chatBody("c", said))
	want := map[string][3]string{
		"at-once": {"fails", "provider_failed", "provider"}, "streamed": {"fails", "provider_failed", "provider"},
		"malformed": {"works", "invalid", "caller"}, "unknown": {"nobody", "not_found", "caller"},
	}
	s.eventually("all are logged", func() bool { return len(log.lines(t, "turn failed")) >= len(want) })
	for _, e := range log.lines(t, "turn failed") {
		id := e["request_id"].(string)
		if got := [3]string{e["tenant"].(string), e["class"].(string), e["party"].(string)}; got != want[id] {
			t.Errorf("%s: %v, want %v", id, got, want[id])
		}
		if level := map[bool]string{true: "info", false: "warn"}[e["party"] == "caller"]; e["@level"] != level {
			t.Errorf("%s is at %v", id, e["@level"])
		}
		delete(want, id)
	}
	if len(want) > 0 {
		t.Errorf("not logged: %v", want)
	}
	if strings.Contains(log.String(), said) {
		t.Errorf("the log has what was said:\n%s", &log)
	}
}
