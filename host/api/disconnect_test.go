package api

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// rawChat returns the text of a chat's HTTP request.
func rawChat(tenant, conversation string) string {
	return rawChatWith(tenant, chatBody(conversation, "m"))
}

// rawStreamedChat returns the text of a streamed chat's HTTP request.
func rawStreamedChat(tenant, conversation string) string {
	return rawChatWith(tenant, chatBody(conversation, "m", "stream", true))
}

func rawChatWith(tenant, body string) string {
	return fmt.Sprintf("POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		tenant, len(body), body)
}

// TestDisconnects checks that a turn ends when its caller disconnects, in each way to disconnect
// and with each kind of bytes sent behind the request.
func TestDisconnects(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system is not asked")
	}
	s := serve(t, Options{})
	s.register("hangs", echoWith(map[string]any{"tokens": 5, "hang_after_tokens": 2}))
	dir := t.TempDir()
	makePair(t, dir, "host")
	pair, err := tls.LoadX509KeyPair(dir+"/cert.pem", dir+"/key.pem")
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.server.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}})) }()

	extraBytes := map[string]string{
		"nothing": "", "a byte": "x", "a line": "\r\n", "a request": "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "much": strings.Repeat("y", 50<<10),
	}
	leave := map[string]func(c *net.TCPConn) error{
		"close":      (*net.TCPConn).Close,
		"reset":      func(c *net.TCPConn) error { _ = c.SetLinger(0); return c.Close() },
		"close half": (*net.TCPConn).CloseWrite,
	}
	var conversations []string
	for what, extra := range extraBytes {
		for how, disconnect := range leave {
			for _, stream := range []bool{true, false} {
				for _, secure := range []bool{true, false} {
					name := fmt.Sprintf("%s, %s, %v, %v", what, how, stream, secure)
					conversations = append(conversations, name)
					request := rawChat("hangs", name) + extra
					if stream {
						request = rawStreamedChat("hangs", name) + extra
					}
					address := strings.TrimPrefix(s.url, "http://")
					if secure {
						address = l.Addr().String()
					}
					c, err := net.Dial("tcp", address)
					if err != nil {
						t.Fatal(err)
					}
					defer c.Close()
					var w io.Writer = c
					if secure {
						w = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
					}
					if _, err := io.WriteString(w, request); err != nil {
						t.Fatal(err)
					}
					s.eventually("the turn has begun", func() bool {
						resp := s.request("GET", "/api/v1/conversations/"+escaped(name)+"/turns", headers{tenantHeader: "hangs"}, "")
						return resp.StatusCode == 200
					})
					if err := disconnect(c.(*net.TCPConn)); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	for _, name := range conversations {
		var turns []Turn
		s.eventually(name+": the turn is interrupted", func() bool {
			turns = s.turns("hangs", escaped(name))
			return len(turns) == 1 && turns[0].State == "interrupted"
		})
		// A failed write of a piece may end the turn before the server notices the disconnect.
		if why := turns[0].Reason; !strings.Contains(why, "the caller left") && !strings.Contains(why, "the reader is gone") {
			t.Errorf("%s: %s", name, why)
		}
	}
}

func escaped(name string) string { return strings.ReplaceAll(name, " ", "%20") }

// TestDisconnects_endlessSender checks that a turn is interrupted if its caller sends so many bytes
// behind the request that the server could not notice a disconnect.
func TestDisconnects_endlessSender(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system is not asked")
	}
	s := serve(t, Options{})
	s.register("hangs", echoWith(map[string]any{"tokens": 5, "hang_after_tokens": 2}))
	c := s.raw(rawChat("hangs", "c"))
	s.eventually("the turn has begun", func() bool {
		return s.request("GET", "/api/v1/conversations/c/turns", headers{tenantHeader: "hangs"}, "").StatusCode == 200
	})
	// The bytes are built before the deadline is set, because a write that begins after its deadline
	// sends nothing.
	many := strings.Repeat("y", 64<<20)
	_ = c.SetWriteDeadline(time.Now().Add(time.Second)) // the write ends at its deadline, because the server does not read all bytes
	if n, err := io.WriteString(c, many); err == nil {
		t.Errorf("the server read %d bytes", n)
	}
	s.eventually("the turn is interrupted", func() bool {
		turns := s.turns("hangs", "c")
		return len(turns) == 1 && turns[0].State == "interrupted" && strings.Contains(turns[0].Reason, "behind the request")
	})
}

// TestDisconnects_whileATurnWaits checks that a disconnect also ends a turn that waits for another
// turn of its conversation.
func TestDisconnects_whileATurnWaits(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system is not asked")
	}
	s := serve(t, Options{})
	s.register("hangs", map[string]any{"llm": map[string]any{"tokens": 5, "hang_after_tokens": 2}})
	first := s.raw(rawStreamedChat("hangs", "c"))
	s.eventually("the first turn runs", func() bool {
		return s.request("GET", "/api/v1/conversations/c/turns", headers{tenantHeader: "hangs"}, "").StatusCode == 200
	})
	second := s.raw(rawChat("hangs", "c") + "x")
	lease, err := s.host.Bot(t.Context(), "hangs")
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release()
	inFlight := func() int {
		s.server.inflight.mu.Lock()
		defer s.server.inflight.mu.Unlock()
		return s.server.inflight.count
	}
	s.eventually("both turns are stored", func() bool { return inFlight() == 2 })
	_ = second.Close()
	s.eventually("the waiting turn ends", func() bool { return inFlight() == 1 })
	_ = first.Close()
	s.eventually("the running turn ends too", func() bool { return inFlight() == 0 })
}

// TestDisconnects_pipelinedBytes checks that a caller that sends two requests at once gets both
// responses, even if each response takes a second.
func TestDisconnects_pipelinedBytes(t *testing.T) {
	s := serve(t, Options{})
	s.register("slow", echoWith(map[string]any{"tokens": 2, "first_token_delay_ms": 1000}))
	c := s.raw(rawChat("slow", "c") + rawChat("slow", "c"))
	r := bufio.NewReader(c)
	for i := range 2 {
		_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 || !strings.Contains(string(b), fmt.Sprintf(`"turn":%d`, i+1)) {
			t.Errorf("%d %s %v", resp.StatusCode, b, err)
		}
	}
}

// TestDisconnects_halfClosed checks the response to a caller that has closed only its sending side.
func TestDisconnects_halfClosed(t *testing.T) {
	s := serve(t, Options{})
	s.register("hangs", echoWith(map[string]any{"tokens": 5, "hang_after_tokens": 2}))
	c := s.raw(rawChat("hangs", "c"))
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	b, err := io.ReadAll(c)
	if got := string(b); err != nil || !strings.Contains(got, "the caller left") || !strings.Contains(got, `"party":"caller"`) || strings.Contains(got, "stopping") {
		t.Errorf("%s, %v", got, err)
	}
}
