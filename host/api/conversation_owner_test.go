package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// shared are tenant settings with which all users share the tenant's conversations.
var shared = map[string]any{"conversations": map[string]any{"owner": "tenant"}}

// asUser chats as the user and returns the status and the body of the response.
func (s *testServer) asUser(tenant, conversation, user, message string, more ...any) (int, string) {
	s.Helper()
	if user != "" {
		more = append(more, "user_id", user)
	}
	return s.answer("POST", "/api/v1/chat", headers{"X-Tenant-ID": tenant}, chatBody(conversation, message, more...))
}

func (s *testServer) answer(method, path string, h headers, body string) (int, string) {
	s.Helper()
	resp := s.request(method, path, h, body)
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

var requestLine = regexp.MustCompile(`"request_id":"[^"]*"`)

// ways are the requests that a user can make about a conversation, besides a chat.
var ways = []struct{ method, path string }{
	{"GET", "/api/v1/conversations/%s?user_id=%s"}, {"HEAD", "/api/v1/conversations/%s?user_id=%s"},
	{"GET", "/api/v1/conversations/%s/turns?user_id=%s"}, {"DELETE", "/api/v1/conversations/%s?user_id=%s"},
}

// notFoundFor checks that the user gets the same errors for the conversation as for a conversation
// that never existed.
func (s *testServer) notFoundFor(when, tenant, conversation, user string) {
	s.Helper()
	h := headers{"X-Tenant-ID": tenant}
	for _, way := range ways {
		status, body := s.answer(way.method, fmt.Sprintf(way.path, conversation, user), h, "")
		never, nobody := s.answer(way.method, fmt.Sprintf(way.path, "never-was", user), h, "")
		body, nobody = requestLine.ReplaceAllString(body, ""), strings.ReplaceAll(requestLine.ReplaceAllString(nobody, ""), "never-was", conversation)
		if status != 404 || never != 404 || body != nobody {
			s.Errorf("%s: %s %s: %d %s; want %d %s", when, way.method, way.path, status, body, never, nobody)
		}
	}
	_, missing := s.answer("GET", fmt.Sprintf(ways[0].path, conversation, user), h, "")
	for _, more := range [][]any{nil, {"stream", true}} {
		for _, key := range []string{"", "k", "other"} {
			body := chatBody(conversation, "hello", append(more, "user_id", user)...)
			status, got := s.answer("POST", "/api/v1/chat", headers{"X-Tenant-ID": tenant, "Idempotency-Key": key}, body)
			if got = requestLine.ReplaceAllString(got, ""); status != 404 || got != requestLine.ReplaceAllString(missing, "") {
				s.Errorf("%s: chat %v with key %q: %d %s", when, more, key, status, got)
			}
		}
	}
	var list Conversations
	s.call("GET", "/api/v1/conversations?user_id="+user, h, "", 200, &list)
	if slices.ContainsFunc(list.Conversations, func(c Conversation) bool { return c.ID == conversation }) {
		s.Errorf("%s: the list has the conversation", when)
	}
}

func TestConversationOwner(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", map[string]any{"llm": map[string]any{"first_token_delay_ms": 400}})
	h := headers{"X-Tenant-ID": "a", "Idempotency-Key": "k"}
	s.call("POST", "/api/v1/chat", h, chatBody("hers", "my secret", "user_id", "ann"), 200, nil)
	s.chat("a", "ours", "the tenant's secret")
	s.notFoundFor("at rest", "a", "hers", "bob")
	s.notFoundFor("the tenant's", "a", "ours", "bob")
	s.notFoundFor("the tenant's", "a", "ours", "ann")

	// While turns of the conversation run and wait, another user still gets the errors of a missing
	// conversation.
	busy := make(chan int, 3)
	for i := range 3 {
		go func() {
			body := chatBody("hers", fmt.Sprint("slow ", i), "user_id", "ann")
			req, _ := http.NewRequestWithContext(context.Background(), "POST", s.url+"/api/v1/chat", strings.NewReader(body))
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("X-Tenant-ID", "a")
			resp, err := s.client.Do(req)
			if err != nil {
				busy <- 0
				return
			}
			_ = resp.Body.Close()
			busy <- resp.StatusCode
		}()
	}
	s.eventually("a turn runs", func() bool {
		var out Turns
		s.call("GET", "/api/v1/conversations/hers/turns?user_id=ann", headers{"X-Tenant-ID": "a"}, "", 200, &out)
		return slices.ContainsFunc(out.Turns, func(t Turn) bool { return t.State == "running" })
	})
	begun := time.Now()
	s.notFoundFor("with a turn at work", "a", "hers", "bob")
	t.Logf("looked for %s", time.Since(begun))
	for range 3 {
		if status := <-busy; status != 200 {
			t.Errorf("the owner's turn: %d", status)
		}
	}

	// A request without a user may use every conversation. Its turn in Ann's conversation has no
	// user, and Ann still owns the conversation.
	if status, body := s.asUser("a", "hers", "", "a note"); status != 200 {
		t.Errorf("the backend: %d %s", status, body)
	}
	turns := s.turns("a", "hers")
	if last := turns[len(turns)-1]; last.UserID != "" || turns[0].UserID != "ann" {
		t.Errorf("%+v", turns)
	}
	s.notFoundFor("after the backend's turn", "a", "hers", "bob")
	var list Conversations
	s.call("GET", "/api/v1/conversations", headers{"X-Tenant-ID": "a"}, "", 200, &list)
	if len(list.Conversations) != 2 || list.Conversations[0].UserID != "ann" || list.Conversations[1].UserID != "" {
		t.Errorf("%+v", list)
	}
	if status, body := s.asUser("a", "hers", "ann", "do you remember me?"); status != 200 || !strings.Contains(body, "my secret") {
		t.Errorf("the owner: %d %s", status, body)
	}
	s.call("DELETE", "/api/v1/conversations/hers?user_id=ann", headers{"X-Tenant-ID": "a"}, "", 204, nil)
	if status, body := s.asUser("a", "hers", "bob", "do you remember me?"); status != 200 || strings.Contains(body, "secret") {
		t.Errorf("the next conversation with the id: %d %s", status, body)
	}
}

// TestConversationOwner_emptyUser checks that an empty user id does not give access to the
// conversations of all users.
func TestConversationOwner_emptyUser(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	s.chat("a", "c", "secret")
	for _, way := range ways {
		if status, _ := s.answer(way.method, fmt.Sprintf(way.path, "c", ""), headers{"X-Tenant-ID": "a"}, ""); status != 400 {
			t.Errorf("%s %s: %d", way.method, way.path, status)
		}
	}
	for _, user := range []any{"", nil, 7} {
		if status, body := s.asUser("a", "c", "", "x", "user_id", user); status != 400 {
			t.Errorf("chat as %v: %d %s", user, status, body)
		}
	}
	if n := len(s.turns("a", "c")); n != 1 {
		t.Errorf("%d turns", n)
	}
}

func TestConversationOwner_sharedConversations(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", shared)
	h := headers{"X-Tenant-ID": "a", "Idempotency-Key": "k"}
	s.call("POST", "/api/v1/chat", h, chatBody("c", "from ann", "user_id", "ann"), 200, nil)
	if status, body := s.answer("POST", "/api/v1/chat", h, chatBody("c", "from ann", "user_id", "bob")); status != 422 || strings.Contains(body, "from ann") {
		t.Errorf("another user's key: %d %s", status, body)
	}
	if status, body := s.asUser("a", "c", "bob", "do you remember me?"); status != 200 || !strings.Contains(body, "from ann") {
		t.Errorf("%d %s", status, body)
	}
	s.chat("a", "d", "from the backend")
	for _, user := range []string{"ann", "bob", "eve"} {
		var turns Turns
		s.call("GET", "/api/v1/conversations/c/turns?user_id="+user, headers{"X-Tenant-ID": "a"}, "", 200, &turns)
		if len(turns.Turns) != 2 || turns.Turns[0].UserID != "ann" || turns.Turns[1].UserID != "bob" {
			t.Errorf("for %s: %+v", user, turns)
		}
		var list Conversations
		s.call("GET", "/api/v1/conversations?user_id="+user, headers{"X-Tenant-ID": "a"}, "", 200, &list)
		if len(list.Conversations) != 2 {
			t.Errorf("for %s: %+v", user, list)
		}
	}

	// Erasing Ann does not delete Bob's turn, although the users no longer share conversations.
	s.register("a", nil)
	var erased ErasedLine
	lines := strings.Split(strings.TrimSpace(s.text("POST", "/admin/v1/tenants/a/erase", nil, `{"user":"ann"}`, 200)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &erased); err != nil || erased.Emptied != 1 || erased.Conversations != 0 {
		t.Errorf("%+v, %v", erased, err)
	}
	turns := s.turns("a", "c")
	if len(turns) != 2 || len(turns[0].Messages) != 0 || turns[0].UserID != "" || *turns[0].Turn != 1 || turns[0].IdempotencyKey != "" ||
		turns[1].UserID != "bob" || *turns[1].Turn != 2 || len(turns[1].Messages) != 2 {
		t.Errorf("%+v", turns)
	}
	if status, body := s.answer("POST", "/api/v1/chat", h, chatBody("c", "from ann")); status != 200 || strings.Contains(body, `"turn":1`) {
		t.Errorf("the key of an emptied turn: %d %s", status, body)
	}
	var page Messages
	s.call("GET", "/api/v1/conversations/c?limit=1", headers{"X-Tenant-ID": "a"}, "", 200, &page)
	if len(page.Messages) != 1 || page.Messages[0].ID != "2.0" || page.Next == nil {
		t.Errorf("%+v", page)
	}
}
