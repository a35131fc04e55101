package api

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// event is a server-sent event. A comment is an event with the name ":".
type event struct{ name, data string }

// reader reads a stream of events, and fails the test at any unknown line.
type reader struct {
	t *testing.T
	r *bufio.Reader
}

func (r reader) next() (event, bool) {
	r.t.Helper()
	var e event
	for {
		line, err := r.r.ReadString('\n')
		if err != nil {
			if line != "" || e.name != "" {
				r.t.Fatalf("the stream ended in the middle of %+v %q: %v", e, line, err)
			}
			return event{}, false
		}
		switch line = strings.TrimSuffix(line, "\n"); {
		case line == "":
			return e, true
		case strings.HasPrefix(line, ":"):
			e.name = ":"
		case strings.HasPrefix(line, "event: ") && e.name == "":
			e.name = line[len("event: "):]
		case strings.HasPrefix(line, "data: ") && e.data == "":
			e.data = line[len("data: "):]
		default:
			r.t.Fatalf("unknown line %q in the stream", line)
		}
	}
}

// open starts a streamed chat.
func (s *testServer) open(ctx context.Context, tenant, body string, h headers) (*http.Response, reader) {
	s.Helper()
	req, err := http.NewRequestWithContext(ctx, "POST", s.url+"/api/v1/chat", strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Tenant-ID", tenant)
	for name, value := range h {
		req.Header.Set(name, value)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != 200 {
		s.Fatalf("status %d", resp.StatusCode)
	}
	return resp, reader{s.T, bufio.NewReader(resp.Body)}
}

// read reads a stream to its end. It returns the text of all deltas, the number of deltas, the
// number of comments, and the last event.
func (r reader) read() (text string, deltas, comments int, last event) {
	r.t.Helper()
	for {
		e, more := r.next()
		switch {
		case !more:
			return text, deltas, comments, last
		case last.name != "":
			r.t.Fatalf("%+v after the last event", e)
		case e.name == ":":
			comments++
		case e.name == EventDelta:
			var d struct{ Text string }
			r.json(e, &d)
			text += d.Text
			deltas++
		default:
			last = e
		}
	}
}

func (r reader) json(e event, out any) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(e.data), out); err != nil {
		r.t.Fatalf("%+v: %v", e, err)
	}
}

func TestStream(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	const message = "{{7*7}} ${env:HOME} <b>&amp; \u2028 \n event: done\n\n data: {} 😀"
	resp, r := s.open(t.Context(), "a", chatBody("c", message, "stream", true, "user_id", "u"), nil)
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "Idempotency-Replayed": "",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	text, deltas, _, last := r.read()
	var done ChatReply
	r.json(last, &done)
	if last.name != EventDone || done.Reply != text || done.Turn != 1 || done.ConversationID != "c" || done.Bot.Tenant != "a" || done.Usage.InputTokens == 0 {
		t.Errorf("%+v, %d deltas %q", last, deltas, text)
	}
	if !strings.Contains(text, message) {
		t.Errorf("the model got a changed message: %q", text)
	}
	if again := s.chat("a", "c", "Do you remember me?"); !again.Bot.Cached || again.Turn != 2 || !strings.Contains(again.Reply, message) {
		t.Errorf("%+v", again)
	}
}

// TestStream_isFlushed checks that the client gets a delta before the model produces the next one.
// The model hangs after two deltas.
func TestStream_isFlushed(t *testing.T) {
	s := serve(t, Options{})
	s.register("slow", echoWith(map[string]any{"tokens": 3, "hang_after_tokens": 2}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, r := s.open(ctx, "slow", chatBody("c", "m", "stream", true), nil)
	text := ""
	for text != "zero one " {
		e, ok := r.next()
		var d delta
		if !ok || e.name != EventDelta {
			t.Fatalf("%q, and then %+v", text, e)
		}
		r.json(e, &d)
		text += d.Text
	}
}

// TestStream_flushDelay checks that a piece of a reply waits only briefly for the next piece, both
// if the model hangs and if the model never pauses.
func TestStream_flushDelay(t *testing.T) {
	s := serve(t, Options{})
	s.register("hangs", echoWith(map[string]any{"tokens": 5, "hang_after_tokens": 3}))
	_, r := s.open(t.Context(), "hangs", chatBody("c", "m", "stream", true), nil)
	for text := ""; text != "zero one two "; {
		e, _ := r.next()
		var d delta
		if r.json(e, &d); e.name != EventDelta {
			t.Fatalf("after %q: %+v", text, e)
		}
		text += d.Text
	}

	const most = 100 // so few pieces that net/http does not send them without a flush
	seen, written := make(chan struct{}), make(chan int, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		e := &eventWriter{w: w, c: http.NewResponseController(w), timeout: time.Minute, onError: func(err error) { t.Error(err) }}
		e.keepAlive(time.Minute)
		defer e.stopTimers()
		n := 1
		for when := flushNow; n < most; when = flushLater {
			_ = e.event(EventDelta, delta{"x"}, when)
			select {
			case <-seen:
				written <- n
				return
			case <-time.After(2 * time.Millisecond):
				n++
			}
		}
		written <- n
	}))
	defer server.Close()
	resp, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r = reader{t, bufio.NewReader(resp.Body)}
	for range 30 {
		r.next()
	}
	close(seen)
	if n := <-written; n == most {
		t.Errorf("the client got the thirtieth of %d pieces only after the last piece was written", n)
	}
}

func TestStream_keepAlive(t *testing.T) {
	s := serve(t, Options{keepalive: 30 * time.Millisecond})
	s.register("thinks", echoWith(map[string]any{"first_token_delay_ms": 200, "reply": "well"}))
	_, r := s.open(t.Context(), "thinks", chatBody("c", "m", "stream", true), nil)
	if text, _, comments, last := r.read(); comments < 3 || text != "well" || last.name != EventDone {
		t.Errorf("%d comments, %q, %+v", comments, text, last)
	}
	// An error after a keepalive comment comes as an event, because the HTTP status is already
	// sent.
	s.register("hangs", map[string]any{"llm": map[string]any{"hang_after_tokens": 0}, "limits": map[string]any{"turn_timeout": 0.2}})
	_, r = s.open(t.Context(), "hangs", chatBody("c", "m", "stream", true), nil)
	_, _, comments, last := r.read()
	var p Problem
	r.json(last, &p)
	if comments == 0 || last.name != EventError || p.Class != "deadline" || p.Status != 504 || p.RequestID == "" {
		t.Errorf("%d comments, %+v", comments, last)
	}
}

func TestStream_fails(t *testing.T) {
	s := serve(t, Options{})
	s.register("breaks", echoWith(map[string]any{"tokens": 5, "fail": map[string]any{"class": "provider_failed", "after_tokens": 2, "message": "gone"}}))
	_, r := s.open(t.Context(), "breaks", chatBody("c", "m", "stream", true), nil)
	text, _, _, last := r.read()
	var p Problem
	r.json(last, &p)
	if text != "zero one " || last.name != EventError || p.Class != "provider_failed" || p.Status != 502 || !p.Retryable || p.Detail != "the bot's model failed" {
		t.Errorf("%q, %+v", text, last)
	}
	turns := s.turns("breaks", "c")
	if len(turns) != 1 || turns[0].State != "failed" || turns[0].Usage.OutputTokens != 2 || len(turns[0].Messages) != 2 {
		t.Errorf("%+v", turns)
	}
}

// TestStream_clientDisconnects checks that a turn stops its model when the client disconnects.
func TestStream_clientDisconnects(t *testing.T) {
	s := serve(t, Options{})
	s.register("hangs", echoWith(map[string]any{"tokens": 5, "hang_after_tokens": 2}))
	for name, stream := range map[string]bool{"streamed": true, "plain": false} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			ctx, leave := context.WithCancel(t.Context())
			if stream {
				_, r := s.open(ctx, "hangs", chatBody(name, "m", "stream", true), nil)
				if e, _ := r.next(); e.name != EventDelta {
					t.Fatalf("%+v", e)
				}
				leave()
			} else {
				time.AfterFunc(300*time.Millisecond, leave)
				req, _ := http.NewRequestWithContext(ctx, "POST", s.url+"/api/v1/chat", strings.NewReader(chatBody(name, "m")))
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("X-Tenant-ID", "hangs")
				if resp, err := s.client.Do(req); err == nil {
					resp.Body.Close()
					t.Fatal("the canceled request got a response")
				}
			}
			s.eventually("the turn is interrupted", func() bool {
				turns := s.turns("hangs", name)
				return len(turns) == 1 && turns[0].State == "interrupted" && turns[0].EndedAt != nil
			})
		})
	}
}

// TestStream_slowReader checks that the server cuts off a client that does not read.
//
// beyond: streamed reply
func TestStream_slowReader(t *testing.T) {
	s := serve(t, Options{writeTimeout: 300 * time.Millisecond})
	s.register("talks", echoWith(map[string]any{"tokens": 10_000_000}))
	body := chatBody("c", "m", "stream", true)
	c := s.raw("POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: talks\r\nContent-Type: application/json\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	defer c.Close()
	s.eventually("the turn is interrupted", func() bool {
		resp := s.request("GET", "/api/v1/conversations/c/turns", headers{"X-Tenant-ID": "talks"}, "")
		var out Turns
		return json.NewDecoder(resp.Body).Decode(&out) == nil && len(out.Turns) == 1 && out.Turns[0].State == "interrupted"
	})
}
