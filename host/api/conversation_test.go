package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/sdk/chat"
)

// pages reads all messages of a conversation in pages of limit messages.
func (s *testServer) pages(tenant, conversation string, limit int) (messages []Message, pages int) {
	s.Helper()
	for after := ""; ; {
		var page Messages
		if after != "" {
			after = "&after=" + after
		}
		s.call("GET", fmt.Sprintf("/api/v1/conversations/%s?limit=%d%s", url.PathEscape(conversation), limit, after),
			headers{"X-Tenant-ID": tenant}, "", 200, &page)
		if len(page.Messages) > limit || page.ID != conversation {
			s.Fatalf("%+v", page)
		}
		messages = append(messages, page.Messages...)
		pages++
		if page.Next == nil {
			return messages, pages
		}
		after = *page.Next
	}
}

func TestReadConversation(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	s.register("b", nil)
	const id = "case 7/é?%2f" // a conversation id may be any text
	for i := range 4 {
		s.chat("a", id, fmt.Sprintf("message %d", i))
	}
	all, _ := s.pages("a", id, 1000)
	if len(all) != 8 {
		t.Fatalf("%+v", all)
	}
	for i, m := range all {
		role := []chat.Role{chat.User, chat.Assistant}[i%2]
		at, err := time.Parse("2006-01-02T15:04:05.000Z07:00", *m.CreatedAt)
		if m.Role != role || m.Turn != int64(i/2+1) || m.Parts != nil || err != nil || time.Since(at) > time.Minute || !strings.Contains(m.Content, fmt.Sprintf("message %d", i/2)) {
			t.Errorf("message %d: %+v, %v", i, m, err)
		}
	}
	for limit := 1; limit <= 9; limit++ {
		got, pages := s.pages("a", id, limit)
		want := (8 + limit - 1) / limit
		if len(got) != 8 || pages != want || got[7].ID != all[7].ID {
			t.Errorf("limit %d: %d messages in %d pages, want %d pages", limit, len(got), pages, want)
		}
	}
	escaped := "/api/v1/conversations/" + url.PathEscape(id)
	s.call("GET", escaped, headers{"X-Tenant-ID": "b"}, "", 404, nil)
	s.call("DELETE", escaped, headers{"X-Tenant-ID": "b"}, "", 404, nil)
	s.call("DELETE", escaped, headers{"X-Tenant-ID": "a"}, "", 204, nil)
	s.call("GET", escaped, headers{"X-Tenant-ID": "a"}, "", 404, nil)
	if r := s.chat("a", id, "again"); r.Turn != 1 || !strings.Contains(r.Reply, "no earlier messages") {
		t.Errorf("deleted, and still there: %+v", r)
	}
}

func TestListConversations(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	s.register("b", nil)
	for i := range 5 {
		body := chatBody(fmt.Sprintf("c%d", i), "m", "user_id", fmt.Sprintf("u%d", i%2))
		s.call("POST", "/api/v1/chat", headers{"X-Tenant-ID": "a"}, body, 200, nil)
	}
	list := func(tenant, query string) (ids []string, next *string) {
		var page Conversations
		s.call("GET", "/api/v1/conversations?"+query, headers{"X-Tenant-ID": tenant}, "", 200, &page)
		for _, c := range page.Conversations {
			ids = append(ids, c.ID)
			if c.Turns != 1 || c.CreatedAt == nil || c.UpdatedAt == nil || c.UserID == "" {
				t.Errorf("%+v", c)
			}
		}
		return ids, page.Next
	}
	if ids, next := list("a", ""); !slices.Equal(ids, []string{"c0", "c1", "c2", "c3", "c4"}) || next != nil {
		t.Errorf("%q, %v", ids, next)
	}
	if ids, next := list("a", "limit=2&after=c1"); !slices.Equal(ids, []string{"c2", "c3"}) || next == nil || *next != "c3" {
		t.Errorf("%q, %v", ids, next)
	}
	if ids, _ := list("a", "user_id=u1"); !slices.Equal(ids, []string{"c1", "c3"}) {
		t.Errorf("%q", ids)
	}
	if ids, _ := list("b", ""); ids != nil {
		t.Errorf("the other tenant has %q", ids)
	}
}

func TestReadTurns(t *testing.T) {
	s := serve(t, Options{})
	s.register("flaky", echoWith(map[string]any{"fail": map[string]any{"class": "provider_failed", "times": 2}}))
	h := headers{"X-Tenant-ID": "flaky"}
	s.call("POST", "/api/v1/chat", h, chatBody("c", "one", "metadata", map[string]any{"x": []int{1}}, "user_id", "u"), 502, nil)
	s.call("POST", "/api/v1/chat", h, chatBody("c", "two"), 502, nil)
	if r := s.chat("flaky", "c", "three"); r.Turn != 1 {
		t.Errorf("%+v", r)
	}
	turns := s.turns("flaky", "c")
	if len(turns) != 3 {
		t.Fatalf("%+v", turns)
	}
	failed, last := turns[0], turns[2]
	var record struct {
		Revision, Host, Model string
		Plugins               map[string]string
	}
	if err := json.Unmarshal(last.Record, &record); err != nil || record.Revision == "" || record.Model != "echo" || len(record.Plugins) != 3 {
		t.Errorf("%s: %v", last.Record, err)
	}
	if failed.Turn != nil || failed.State != "failed" || string(failed.Metadata) != `{"x":[1]}` || failed.UserID != "u" || failed.StartedAt == nil || failed.EndedAt == nil {
		t.Errorf("%+v", failed)
	}
	if last.Turn == nil || *last.Turn != 1 || last.Sequence != 3 || last.State != "succeeded" || last.Reason != "" || len(last.Messages) != 2 || string(last.Metadata) != "null" {
		t.Errorf("%+v", last)
	}
	var page Turns
	s.call("GET", "/api/v1/conversations/c/turns?limit=1&after=1", h, "", 200, &page)
	if len(page.Turns) != 1 || page.Turns[0].Sequence != 2 || page.Next == nil || *page.Next != "2" {
		t.Errorf("%+v", page)
	}
	// The messages of a conversation omit the failed turn.
	if messages, _ := s.pages("flaky", "c", 100); len(messages) != 2 || messages[0].Turn != 1 || messages[0].ID != "3.0" {
		t.Errorf("%+v", messages)
	}
}

// TestPager checks the pages of turns with different numbers of messages and with gaps between
// their numbers. The storage returns fewer turns than requested.
func TestPager(t *testing.T) {
	sizes := []int{2, 0, 5, 1, 2, 2, 7, 2}
	var turns []bot.Turn
	total := 0
	for i, n := range sizes {
		turn := bot.Turn{Sequence: int64(3 * (i + 1)), Number: int64(i + 1)}
		for range n {
			turn.Messages = append(turn.Messages, chat.Text(chat.User, fmt.Sprint(total)))
			total++
		}
		turns = append(turns, turn)
	}
	for _, most := range []int{1, 2, 100} {
		read := func(after int64, limit int) (*bot.TurnPage, error) {
			page := &bot.TurnPage{}
			for _, turn := range turns {
				if turn.Sequence <= after {
					continue
				}
				if page.More = len(page.Turns) == min(limit, most); page.More {
					break
				}
				page.Turns = append(page.Turns, turn)
			}
			return page, nil
		}
		for limit := 1; limit <= total+1; limit++ {
			after, seen := cursor{0, -1}, 0
			for more := true; more; {
				var messages []Message
				var err error
				p := pager{after: after, limit: limit, read: read}
				if messages, more, err = p.page(); err != nil {
					t.Fatal(err)
				}
				if more != (seen+len(messages) < total) || len(messages) > limit || more && len(messages) != limit {
					t.Fatalf("limit %d after %v: %d messages, more %v", limit, after, len(messages), more)
				}
				for _, m := range messages {
					if m.Content != fmt.Sprint(seen) {
						t.Fatalf("limit %d: got %s, want %d", limit, m.Content, seen)
					}
					seen++
				}
				if more {
					if after, err = parseCursor(messages[len(messages)-1].ID); err != nil {
						t.Fatal(err)
					}
				}
			}
			if seen != total {
				t.Fatalf("limit %d: %d messages, want %d", limit, seen, total)
			}
		}
	}
}

func TestNewMessage_parts(t *testing.T) {
	m := newMessage(&bot.Turn{Sequence: 4, Messages: []chat.Message{{Role: chat.Assistant, Parts: []chat.Part{
		{Reasoning: &chat.Reasoning{Text: "hm"}}, {Text: "yes"}, {Text: "!"},
	}}}}, 0)
	if m.Content != "yes!" || len(m.Parts) != 3 || m.CreatedAt != nil || m.ID != "4.0" {
		t.Errorf("%+v", m)
	}
}
