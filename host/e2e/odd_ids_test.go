package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// oddIDs are valid ids that a URL, a shell, a command line or a database could misinterpret. Each id must
// work on every route and with every command.
var oddIDs = []string{
	"...", "a/b", "/", "//", "/..", "../..", "a/../b", "%", "%2F", "%2e%2e", "%zz", "+", "a b", " ", " a ", "?", "a?b=c", "#", "&a=b", ";", "\\", "..\\..",
	"-", "--", "-x", "--help", "--url=http://127.0.0.1:1", "@file", "$HOME", "`id`", "$(id)", "*", "'", `"`, `{"a":1}`, "<secret>", "<script>", "null", "true", "0", "-1",
	"é", "e\u0301", "ß", "日本語", "🙂", "👩\u200d👩\u200d👧", "\u202eabc", "\u2028", "\ufeff", "\ufffd", "\u200b", "\U0010fffd", "A", "a",
	strings.Repeat("/", 256), strings.Repeat("🙂", 64), strings.Repeat("%", 256),
}

// escapedID returns an id escaped for a URL path.
func escapedID(id string) string {
	switch id {
	case ".":
		return "%2e"
	case "..":
		return "%2e%2e"
	}
	return url.PathEscape(id)
}

// TestOddIDs uses the oddIDs as ids of conversations and of users and as idempotency keys, on every route
// and with every command.
func TestOddIDs(t *testing.T) {
	const sqlite = "conversation_storage {\n  backend = \"sqlite\"\n}\n"
	host := start(t, echoDefaults, map[string]string{"a.hcl": "", "a2.hcl": "", "s.hcl": sqlite, "s2.hcl": sqlite})
	for _, tenant := range []string{"a", "s"} {
		for _, id := range oddIDs {
			host.oddID(tenant, id)
		}
		host.pages(tenant, oddIDs)
		host.moves(tenant, tenant+"2", oddIDs)
		host.commands(tenant)
		for _, id := range oddIDs {
			path := "/api/v1/conversations/" + escapedID(id)
			if a := host.do("DELETE", path, "", "X-Tenant-ID: "+tenant); a.Status != 204 {
				t.Errorf("%s: DELETE %s: %d %s", tenant, path, a.Status, a.Body)
			}
			if a := host.do("GET", path, "", "X-Tenant-ID: "+tenant); a.Status != 404 {
				t.Errorf("%s: GET %s after it was deleted: %d %s", tenant, path, a.Status, a.Body)
			}
		}
	}
}

// oddID starts a conversation with the id and reads the conversation on every route.
func (host *hostProcess) oddID(tenant, id string) {
	host.t.Helper()
	h := "X-Tenant-ID: " + tenant
	body, _ := json.Marshal(map[string]any{"conversation_id": id, "user_id": id, "message": "about " + id})
	headers := []string{h}
	if strings.TrimSpace(id) == id { // an HTTP header cannot begin or end with a blank
		headers = append(headers, "Idempotency-Key: "+id)
	}
	if a := host.do("POST", "/api/v1/chat", string(body), headers...); a.Status != 200 {
		host.t.Errorf("%s: a chat in %q: %d %s", tenant, id, a.Status, a.Body)
		return
	}
	if len(headers) > 1 {
		if a := host.do("POST", "/api/v1/chat", string(body), headers...); a.Header.Get("Idempotency-Replayed") != "true" {
			host.t.Errorf("%s: the key %q: %d %s", tenant, id, a.Status, a.Body)
		}
	}
	for _, path := range []string{
		"/api/v1/conversations/" + escapedID(id), "/api/v1/conversations/" + escapedID(id) + "/turns",
		"/api/v1/conversations/" + escapedID(id) + "?user_id=" + url.QueryEscape(id),
		"/api/v1/conversations?user_id=" + url.QueryEscape(id),
		"/admin/v1/tenants/" + tenant + "/conversations/" + escapedID(id) + "/turns/1?compose=true",
		"/admin/v1/tenants/" + tenant + "/export?user=" + url.QueryEscape(id),
	} {
		a := host.do("GET", path, "", h)
		var named struct {
			ID   string
			Turn struct {
				UserID string `json:"user_id"`
			}
			Conversations []struct{ ID string }
		}
		_ = json.Unmarshal(a.Body, &named)
		switch {
		case strings.HasPrefix(path, "/admin/") && strings.Contains(path, "export"):
			named.ID = id
			if quoted, _ := json.Marshal(id); strings.Count(string(a.Body), `"type":"conversation"`) != 1 {
				host.t.Errorf("%s: %s has not the one conversation %s: %s", tenant, path, quoted, a.Body)
			}
		case strings.HasPrefix(path, "/admin/"):
			named.ID = named.Turn.UserID
		case strings.HasPrefix(path, "/api/v1/conversations?") && len(named.Conversations) == 1:
			named.ID = named.Conversations[0].ID
		}
		if a.Status != 200 || named.ID != id {
			host.t.Errorf("%s: GET %s: %d %s", tenant, path, a.Status, a.Body)
		}
	}
}

// pages checks that the list of conversations, in pages of one conversation, has exactly the given ids.
func (host *hostProcess) pages(tenant string, ids []string) {
	host.t.Helper()
	missing := map[string]bool{}
	for _, id := range ids {
		missing[id] = true
	}
	for after := ""; ; {
		a := host.do("GET", "/api/v1/conversations?limit=1"+after, "", "X-Tenant-ID: "+tenant)
		var page struct {
			Conversations []struct{ ID string }
			Next          *string
		}
		if err := json.Unmarshal(a.Body, &page); err != nil || a.Status != 200 || len(page.Conversations) != 1 || !missing[page.Conversations[0].ID] {
			host.t.Fatalf("%s: the page %s: %d %s", tenant, after, a.Status, a.Body)
		}
		delete(missing, page.Conversations[0].ID)
		if page.Next == nil {
			break
		}
		after = "&after=" + url.QueryEscape(*page.Next)
	}
	if len(missing) > 0 {
		host.t.Errorf("%s: the pages do not have %v", tenant, missing)
	}
}

// moves exports the conversations of a tenant and imports them into another tenant.
func (host *hostProcess) moves(from, to string, ids []string) {
	host.t.Helper()
	export := host.export(from)
	if done := host.imports(to, export); done.Conversations != len(ids) {
		host.t.Errorf("%+v are imported into %s", done, to)
	}
	for _, id := range ids {
		if a := host.do("GET", "/api/v1/conversations/"+escapedID(id), "", "X-Tenant-ID: "+to); a.Status != 200 {
			host.t.Errorf("%s: %q was not imported: %d %s", to, id, a.Status, a.Body)
		}
	}
}

// commands runs every command that takes an id of a conversation or of a user, with ids that a shell or a
// command line could misinterpret.
func (host *hostProcess) commands(tenant string) {
	host.t.Helper()
	for _, id := range []string{"...", "a/b", "%2e%2e", "-x", "--help", " a ", "e\u0301", "\u202eabc", `"`, strings.Repeat("🙂", 64)} {
		if out := host.mustCLI("turn", "show", "--compose", "--", tenant, id, "1"); !strings.Contains(out, "succeeded") {
			host.t.Errorf("turn show of %q: %s", id, out)
		}
		file := filepath.Join(host.dir, "export.ndjson")
		host.mustCLI("tenant", "export", tenant, "--user="+id, "--output="+file)
		if src, err := os.ReadFile(file); err != nil || strings.Count(string(src), `"type":"turn"`) != 1 {
			host.t.Errorf("the export of %q has %d bytes, %v", id, len(src), err)
		}
		_ = os.Remove(file)
	}
	fresh := fmt.Sprintf("/only %s", tenant)
	body, _ := json.Marshal(map[string]any{"conversation_id": fresh, "user_id": "--x", "message": "m"})
	if a := host.do("POST", "/api/v1/chat", string(body), "X-Tenant-ID: "+tenant); a.Status != 200 {
		host.t.Fatalf("%d %s", a.Status, a.Body)
	}
	host.mustCLI("tenant", "erase", tenant, "--user=--x", "--yes")
	if a := host.do("GET", "/api/v1/conversations/"+escapedID(fresh), "", "X-Tenant-ID: "+tenant); a.Status != 404 {
		host.t.Errorf("after the user was erased: %d %s", a.Status, a.Body)
	}
}

// TestOddIDs_inPaths checks that the host refuses the ids "." and ".." for new conversations.
// Conversations with these ids, which earlier versions accepted, must still work on every route.
func TestOddIDs_inPaths(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": ""})
	for _, id := range []string{".", ".."} {
		if a := host.chat("a", id, "m"); a.Status != 422 || a.Path != "conversation_id" || !strings.Contains(a.Detail, "a path") {
			t.Errorf("%q: %d %s", id, a.Status, a.Body)
		}
		export := strings.ReplaceAll(largeExport(1, 2), `"c000"`, fmt.Sprintf("%q", id))
		if done := host.imports("a", export); done.Turns != 2 {
			t.Fatalf("%+v", done)
		}
		path := "/api/v1/conversations/" + escapedID(id)
		for _, path := range []string{path, path + "/turns", "/admin/v1/tenants/a/conversations/" + escapedID(id) + "/turns/1", "/api/v1/conversations?after=" + id} {
			if a := host.do("GET", path, "", "X-Tenant-ID: a"); a.Status != 200 {
				t.Errorf("GET %s: %d %s", path, a.Status, a.Body)
			}
		}
		if out := host.mustCLI("turn", "show", "a", id, "1"); !strings.Contains(out, "succeeded") {
			t.Errorf("%q: %s", id, out)
		}
		if !strings.Contains(host.export("a"), fmt.Sprintf(`"id":%q`, id)) {
			t.Errorf("%q is not exported", id)
		}
		if a := host.do("DELETE", path, "", "X-Tenant-ID: a"); a.Status != 204 {
			t.Errorf("DELETE %s: %d %s", path, a.Status, a.Body)
		}
	}
	for _, id := range []string{".", "..", "a/b", "-x", "a..b", "ä", "a b", ""} {
		if a := host.do("GET", "/api/v1/conversations", "", "X-Tenant-ID: "+id); a.Status != 400 {
			t.Errorf("the tenant %q: %d %s", id, a.Status, a.Body)
		}
	}
}
