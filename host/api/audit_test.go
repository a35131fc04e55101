package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// lines returns the entries of a JSON log that have the message.
func (l *logBuffer) lines(t *testing.T, message string) []map[string]any {
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

func infoLog(to *logBuffer) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Output: to, Level: hclog.Info, JSONFormat: true})
}

func TestRoutes_actions(t *testing.T) {
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

func TestAudit(t *testing.T) {
	var log logBuffer
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
		t.Errorf("the log has contents of the configuration:\n%s", &log)
	}
}
