package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestTurns_oneAtATime checks that concurrent messages to one conversation become turns one after another,
// and that the log has no gaps.
func TestTurns_oneAtATime(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": ""})
	const messages = 16
	var wg sync.WaitGroup
	seen := make([]int, messages+1)
	var mu sync.Mutex
	for i := range messages {
		wg.Go(func() {
			a := host.chat("a", "c", fmt.Sprintf("message %d", i))
			if a.Status != 200 || a.Turn < 1 || a.Turn > messages {
				t.Errorf("%d %s", a.Status, a.Body)
				return
			}
			mu.Lock()
			seen[a.Turn]++
			mu.Unlock()
		})
	}
	wg.Wait()
	for n := 1; n <= messages; n++ {
		if seen[n] != 1 {
			t.Errorf("turn %d was answered %d times", n, seen[n])
		}
	}
	// Pages of five messages split turns of two messages. The pages must not skip or repeat a message.
	var all []struct {
		Role, Content string
		Turn          int64
	}
	next, after := "", ""
	for range 20 {
		var page struct {
			ID       string
			Messages []struct {
				Role, Content string
				Turn          int64
			}
			Next string
		}
		a := host.do("GET", "/api/v1/conversations/c?limit=5"+after, "", "X-Tenant-ID: a")
		if err := json.Unmarshal(a.Body, &page); err != nil || a.Status != 200 || page.ID != "c" {
			t.Fatalf("%v %d %s", err, a.Status, a.Body)
		}
		all = append(all, page.Messages...)
		if next = page.Next; next == "" {
			break
		}
		after = "&after=" + next
	}
	if len(all) != 2*messages {
		t.Fatalf("%d messages; want %d", len(all), 2*messages)
	}
	for i, m := range all {
		role := [2]string{"user", "assistant"}[i%2]
		if m.Role != role || m.Turn != int64(i/2+1) {
			t.Errorf("message %d is %+v", i, m)
		}
		if i%2 == 1 && !strings.Contains(m.Content, all[i-1].Content) {
			t.Errorf("the reply to %q is %q", all[i-1].Content, m.Content)
		}
	}
}

func TestTurns_failedTurnIsNotShownToTheModel(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{
		"a.hcl": "llm {\n  fail {\n    class        = \"provider_failed\"\n    after_tokens = 2\n    times        = 1\n  }\n}\n",
	})
	if a := host.chat("a", "c", "the failed message"); a.Status != 502 || a.Class != "provider_failed" || !a.Retryable {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	a := host.mustChat("a", "c", "Do you remember me?")
	if a.Turn != 1 || strings.Contains(a.Reply, "failed message") {
		t.Errorf("%+v", a)
	}
	var turns struct {
		Turns []struct {
			State, Reason string
		}
	}
	r := host.do("GET", "/api/v1/conversations/c/turns", "", "X-Tenant-ID: a")
	if err := json.Unmarshal(r.Body, &turns); err != nil || len(turns.Turns) != 2 || turns.Turns[0].State != "failed" ||
		!strings.HasPrefix(turns.Turns[0].Reason, "provider_failed") || turns.Turns[1].State != "succeeded" {
		t.Errorf("%v %s", err, r.Body)
	}
	if r := host.do("GET", "/api/v1/conversations/c", "", "X-Tenant-ID: a"); strings.Contains(string(r.Body), "failed message") {
		t.Errorf("the log has the failed turn in it: %s", r.Body)
	}
}

func TestTurns_abortedStream(t *testing.T) {
	host := start(t, "defaults {\n  llm {\n    provider = \"echo\"\n    tokens = 10000\n    token_delay_ms = 20\n  }\n}\n", map[string]string{"a.hcl": ""})
	err := host.stream("a", `{"conversation_id":"c","message":"x","stream":true}`, func(event) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	host.eventually(5*time.Second, "the turn is interrupted and its usage kept", func() bool {
		var turns struct {
			Turns []struct {
				State string
				Usage struct {
					Output int64 `json:"output_tokens"`
				}
			}
		}
		r := host.do("GET", "/api/v1/conversations/c/turns", "", "X-Tenant-ID: a")
		return json.Unmarshal(r.Body, &turns) == nil && len(turns.Turns) == 1 && turns.Turns[0].State == "interrupted" && turns.Turns[0].Usage.Output > 0
	})
	if r := host.do("GET", "/api/v1/conversations/c", "", "X-Tenant-ID: a"); r.Status == 200 && strings.Contains(string(r.Body), `"x"`) {
		t.Errorf("an interrupted turn is in the log: %s", r.Body)
	}
}

func TestTurns_stream(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": ""})
	var text strings.Builder
	var end event
	if err := host.stream("a", `{"conversation_id":"c","message":"say it","stream":true}`, func(e event) bool {
		if e.name == "delta" {
			var d struct{ Text string }
			if err := json.Unmarshal([]byte(e.data), &d); err != nil {
				t.Error(err)
			}
			text.WriteString(d.Text)
		}
		end = e
		return true
	}); err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal([]byte(end.data), &a); err != nil || end.name != "done" || a.Reply != text.String() || a.Turn != 1 || a.Bot.Tenant != "a" {
		t.Errorf("%v: %+v, streamed %q", err, end, text.String())
	}
}

func TestTurns_idempotency(t *testing.T) {
	host := start(t, echoDefaults, map[string]string{"a.hcl": "", "b.hcl": ""})
	first := host.do("POST", "/api/v1/chat", chatBody("c", "one"), "X-Tenant-ID: a", "Idempotency-Key: k")
	again := host.do("POST", "/api/v1/chat", chatBody("c", "one"), "X-Tenant-ID: a", "Idempotency-Key: k")
	if first.Status != 200 || again.Status != 200 || again.Turn != first.Turn || again.Reply != first.Reply {
		t.Errorf("%d %s\n%d %s", first.Status, first.Body, again.Status, again.Body)
	}
	if other := host.do("POST", "/api/v1/chat", chatBody("c", "two"), "X-Tenant-ID: a", "Idempotency-Key: k"); other.Status != 422 {
		t.Errorf("another body under the key: %d %s", other.Status, other.Body)
	}
	if b := host.do("POST", "/api/v1/chat", chatBody("c", "two"), "X-Tenant-ID: b", "Idempotency-Key: k"); b.Status != 200 || b.Turn != 1 {
		t.Errorf("another tenant's key: %d %s", b.Status, b.Body)
	}
	if a := host.mustChat("a", "c", "next"); a.Turn != 2 {
		t.Errorf("the repeat made a turn of its own: next is %d", a.Turn)
	}
}

// turn is a stored turn as the API returns it.
type turn struct {
	State, Reason string
	Usage         struct {
		Output int64 `json:"output_tokens"`
	}
	Record struct {
		FinishReason string `json:"finish_reason"`
	}
}

func (host *hostProcess) turns(tenant, conversation string) []turn {
	host.t.Helper()
	var out struct{ Turns []turn }
	if a := host.do("GET", "/api/v1/conversations/"+conversation+"/turns", "", "X-Tenant-ID: "+tenant); a.Status != 200 || json.Unmarshal(a.Body, &out) != nil {
		host.t.Fatalf("%d %s", a.Status, a.Body)
	}
	return out.Turns
}
