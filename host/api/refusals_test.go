package api

import (
	"strings"
	"testing"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// refusal is a request and the expected problem in its response.
type refusal struct {
	name, method, path string
	headers            headers
	body               string

	status int
	class  fault.Class
	at     string // Problem.Path
	detail string // a part of Problem.Detail
}

func (s *testServer) refuse(c refusal) *Problem {
	s.Helper()
	var p Problem
	resp := s.call(c.method, c.path, c.headers, c.body, c.status, &p)
	if kind := resp.Header.Get("Content-Type"); kind != "application/problem+json" {
		s.Errorf("content type %q", kind)
	}
	if p.Class != c.class.String() || p.Path != c.at || p.Status != c.status || !strings.Contains(p.Detail, c.detail) {
		s.Errorf("got class %s at %q, status %d: %s", p.Class, p.Path, p.Status, p.Detail)
	}
	if p.Type != "urn:botyard:problem:"+p.Class || p.Title == "" || p.Detail == "" || p.RequestID == "" || p.RequestID != resp.Header.Get("X-Request-ID") {
		s.Errorf("incomplete: %+v", p)
	}
	return &p
}

// beyond: message
func TestRefusals(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	s.register("small", map[string]any{"limits": map[string]any{"message_bytes": 10}})
	long := strings.Repeat("x", 300)
	invalid, notFound := fault.Invalid, fault.NotFound
	chat := func(name, body string, status int, at, detail string) refusal {
		return refusal{name, "POST", "/api/v1/chat", headers{"X-Tenant-ID": "a"}, body, status, invalid, at, detail}
	}
	hello := chatBody("c", "hello")
	with := func(name string, h headers, status int, class fault.Class, at, detail string) refusal {
		if _, given := h["X-Tenant-ID"]; !given {
			h["X-Tenant-ID"] = "a"
		}
		return refusal{name, "POST", "/api/v1/chat", h, hello, status, class, at, detail}
	}
	get := func(name, path string, status int, class fault.Class, at, detail string) refusal {
		return refusal{name, "GET", path, headers{"X-Tenant-ID": "a"}, "", status, class, at, detail}
	}
	for _, c := range []refusal{
		with("no tenant", headers{"X-Tenant-ID": ""}, 400, invalid, "X-Tenant-ID", "is missing"),
		with("two tenants", headers{"X-Tenant-ID": "a\nsmall"}, 400, invalid, "X-Tenant-ID", "given 2 times"),
		with("unknown tenant", headers{"X-Tenant-ID": "nobody"}, 404, notFound, "X-Tenant-ID", `no tenant "nobody"`),
		with("tenant of a path", headers{"X-Tenant-ID": "../a"}, 400, invalid, "X-Tenant-ID", "not a tenant id"),
		with("tenant of dots", headers{"X-Tenant-ID": "a..b"}, 400, invalid, "X-Tenant-ID", "not a tenant id"),
		with("long tenant", headers{"X-Tenant-ID": long}, 400, invalid, "X-Tenant-ID", "not a tenant id"),

		chat("no body", "", 400, "", "ends too early"),
		chat("no JSON", "hello", 400, "", "not JSON"),
		chat("half of it", `{"conversation_id":"c"`, 400, "", "ends too early"),
		chat("comma", `{"conversation_id":"c",}`, 400, "", "not JSON"),
		chat("list", "[]", 400, "", "not a JSON object"),
		chat("null", "null", 400, "", "not a JSON object"),
		chat("more after it", hello+"{}", 400, "", "more after"),
		chat("unknown field", chatBody("c", "m", "converse", 1), 400, "converse", "not a field"),
		chat("tenant in the body", chatBody("c", "m", "tenant", "small"), 400, "tenant", "not a field"),
		chat("case of a field", `{"Conversation_ID":"c","message":"m"}`, 400, "Conversation_ID", "not a field"),
		chat("field twice", `{"conversation_id":"c","message":"m","message":"n"}`, 400, "message", "given twice"),
		chat("field twice, deeper", `{"conversation_id":"c","message":"m","metadata":{"a":{"b":1,"b":2}}}`, 400, "metadata.a.b", "given twice"),
		chat("wrong type", `{"conversation_id":7,"message":"m"}`, 400, "conversation_id", "is a JSON number; expected a text"),
		chat("stream as text", chatBody("c", "m", "stream", "yes"), 400, "stream", "is a JSON string; expected true or false"),
		chat("metadata list", chatBody("c", "m", "metadata", []int{}), 400, "metadata", "not a JSON object"),
		chat("not UTF-8", "{\"conversation_id\":\"c\",\"message\":\"\xff\"}", 400, "", "not UTF-8"),
		chat("lone surrogate", `{"conversation_id":"c","message":"\ud83d!"}`, 400, "", "surrogate"),
		chat("too large", chatBody("c", strings.Repeat("x", bounds.ChatBodyBytes)), 413, "", "more than"),

		chat("empty conversation", chatBody("", "m"), 422, "conversation_id", "is empty"),
		chat("no conversation", `{"message":"m"}`, 422, "conversation_id", "is empty"),
		chat("long conversation", chatBody(long, "m"), 422, "conversation_id", "300 bytes"),
		chat("control in conversation", chatBody("a\nb", "m"), 422, "conversation_id", "control"),
		chat("empty message", chatBody("c", ""), 422, "message", "is empty"),
		chat("long message", chatBody("c", strings.Repeat("x", messageBytes+1)), 422, "message", "2001 bytes"),
		chat("NUL in message", chatBody("c", "a\x00b"), 422, "message", "NUL"),
		chat("long user", chatBody("c", "m", "user_id", long), 422, "user_id", "300 bytes"),
		chat("large metadata", chatBody("c", "m", "metadata", map[string]any{"x": strings.Repeat("x", 20000)}), 422, "metadata", "bytes"),
		{"tenant's own limit", "POST", "/api/v1/chat", headers{"X-Tenant-ID": "small"}, chatBody("c", "more than ten"), 422, invalid, "message", "at most 10"},

		with("no content type", headers{"Content-Type": ""}, 415, invalid, "Content-Type", "expected application/json"),
		with("form", headers{"Content-Type": "text/plain"}, 415, invalid, "Content-Type", "text/plain"),
		with("charset", headers{"Content-Type": "application/json; charset=latin1"}, 415, invalid, "Content-Type", "latin1"),
		with("two types", headers{"Content-Type": "application/json\ntext/plain"}, 415, invalid, "Content-Type", ""),
		with("empty key", headers{"Idempotency-Key": " "}, 400, invalid, "Idempotency-Key", "is empty"),
		with("two keys", headers{"Idempotency-Key": "a\nb"}, 400, invalid, "Idempotency-Key", "2 times"),
		with("long key", headers{"Idempotency-Key": long}, 422, invalid, "Idempotency-Key", "300 bytes"),

		get("method", "/api/v1/chat", 405, invalid, "", "expected POST"),
		get("nowhere", "/v2/chat", 404, notFound, "", "nothing at /v2/chat"),
		get("where conversations were", "/v1/conversations?limit=1", 404, notFound, "", "its path is /api/v1/conversations"),
		get("where a conversation was", "/v1/conversations/c", 404, notFound, "", "its path is /api/v1/conversations/c"),
		get("where turns were", "/v1/conversations/c/turns", 404, notFound, "", "its path is /api/v1/conversations/c/turns"),
		get("near where conversations were", "/v1/conversationsx", 404, notFound, "", "nothing at /v1/conversationsx"),
		get("no conversation", "/api/v1/conversations/none", 404, notFound, "", ""),
		get("no conversation's turns", "/api/v1/conversations/none/turns", 404, notFound, "", ""),
		get("long id", "/api/v1/conversations/"+long, 422, invalid, "conversation_id", "300 bytes"),
		get("limit 0", "/api/v1/conversations?limit=0", 400, invalid, "limit", "from 1 to 1000"),
		get("limit too high", "/api/v1/conversations/c?limit=1001", 400, invalid, "limit", "from 1 to 1000"),
		get("limit of words", "/api/v1/conversations/c/turns?limit=all", 400, invalid, "limit", "from 1 to 1000"),
		get("limit twice", "/api/v1/conversations?limit=1&limit=2", 400, invalid, "limit", "2 times"),
		get("misspelt limit", "/api/v1/conversations?limt=1", 400, invalid, "limt", "not a parameter"),
		get("cursor", "/api/v1/conversations/c?after=1", 400, invalid, "after", "next of an earlier page"),
		get("negative cursor", "/api/v1/conversations/c?after=-1.-1", 400, invalid, "after", ""),
		get("odd cursor", "/api/v1/conversations/c?after=01.0", 400, invalid, "after", ""),
		get("turns' cursor", "/api/v1/conversations/c/turns?after=x", 400, invalid, "after", ""),
		get("query", "/api/v1/conversations?limit=%zz", 400, invalid, "", "query"),
		{"delete nothing", "DELETE", "/api/v1/conversations/none", headers{"X-Tenant-ID": "a"}, "", 404, notFound, "", "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			s.refuse(c)
		})
	}
	// The refused requests created no conversations.
	var list Conversations
	if s.call("GET", "/api/v1/conversations", headers{"X-Tenant-ID": "a"}, "", 200, &list); len(list.Conversations) != 0 {
		t.Errorf("conversations: %+v", list)
	}
}

func TestRoutes_methodNotAllowed(t *testing.T) {
	s := serve(t, Options{})
	for path, allow := range map[string]string{
		"/api/v1/chat": "POST", "/admin/v1/tenants/x": "DELETE, GET, HEAD, PATCH, PUT", "/healthz": "GET, HEAD", "/admin/v1/cache": "DELETE, GET, HEAD",
	} {
		t.Run(path, func(t *testing.T) {
			resp := s.in(t).call("OPTIONS", path, nil, "", 405, nil)
			if got := resp.Header.Get("Allow"); got != allow {
				t.Errorf("Allow is %q, want %q", got, allow)
			}
		})
	}
}
