package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/sdk/fault"
)

// fill takes the whole share of a pool that one tenant can get, and starts further calls of Acquire
// that wait. release returns everything to the pool. The test calls release at its end, if it has
// not done so before.
func (s *testServer) fill(p *fairshare.Pool, tenant string, waiters int) (release func()) {
	s.Helper()
	var shares []*fairshare.Share
	for p.Check(tenant, 1) == nil {
		share, err := p.Acquire(s.Context(), tenant, 1)
		if err != nil {
			s.Fatal(err)
		}
		shares = append(shares, share)
	}
	before := p.Waiting()
	var all sync.WaitGroup
	for range waiters {
		all.Go(func() {
			if share, err := p.Acquire(s.Context(), tenant, 1); err == nil {
				share.Release()
			}
		})
	}
	s.eventually("all wait", func() bool { return p.Waiting() == before+waiters })
	release = sync.OnceFunc(func() {
		for _, share := range shares {
			share.Release()
		}
		all.Wait()
	})
	s.Cleanup(release)
	return release
}

var slotsOf = map[slotClass]bounds.Slots{
	readSlots: bounds.ReadSlots, deletionSlots: bounds.DeletionSlots, adminReadSlots: bounds.AdminReadSlots, adminWriteSlots: bounds.AdminWriteSlots,
	exportSlots: bounds.ExportSlots, importSlots: bounds.ImportSlots, sweepSlots: bounds.SweepSlots, scrapeSlots: bounds.ScrapeSlots, turnSlots: {},
}

// TestRequestLimits_eachRoute checks each class of slots. One tenant uses all slots and all waiting
// places that it may have. Then every route of the class refuses the tenant's next request at once,
// and still accepts another tenant's request. Probes succeed.
//
// beyond: turns asked for
// beyond: reads
// beyond: deletions
// beyond: reads of admins
// beyond: changes of admins
// beyond: exports
// beyond: imports
// beyond: erasures and purges
// beyond: pages of metrics
func TestRequestLimits_eachRoute(t *testing.T) {
	s := serve(t, Options{})
	for _, id := range []string{"a", "b"} {
		s.register(id, nil)
		s.chat(id, "c", "hello")
	}
	seen := map[slotClass]bool{}
	for pattern, methods := range s.server.routes() {
		for method, ro := range methods {
			if ro.slots == probeSlots {
				continue
			}
			if seen[ro.slots] = true; slotsOf[ro.slots] == (bounds.Slots{}) != (ro.slots == turnSlots) {
				t.Errorf("the test does not know the slots of %s %s", method, pattern)
			}
			path := filled(pattern)
			body, h := "", headers{tenantHeader: "a"}
			if ro.body {
				body = chatBody("c", "m")
			}
			if ro.slots == importSlots {
				h["Content-Type"] = ndjsonType
			}
			tenant := "a"
			if requiredCaller(pattern) != gatewayCaller && !strings.Contains(pattern, "{id}") {
				tenant = ""
			}
			release := s.fill(s.server.limits.slots[ro.slots], tenant, slotsOf[ro.slots].WaitingEach)
			resp := s.request(method, path, h, body)
			answer, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" || !strings.Contains(string(answer), `"party":"caller"`) {
				t.Errorf("%s %s: %d %s", method, path, resp.StatusCode, answer)
			}
			if tenant != "" && ro.slots != sweepSlots && method != "DELETE" {
				h[tenantHeader] = "b"
				resp := s.request(method, strings.NewReplacer("tenants/a", "tenants/b", "cache/a", "cache/b").Replace(path), h, body)
				if answer, _ := io.ReadAll(resp.Body); resp.StatusCode == http.StatusTooManyRequests {
					t.Errorf("%s %s of another tenant: %d %s", method, path, resp.StatusCode, answer)
				}
			}
			for _, probe := range []string{"/healthz", "/readyz"} {
				s.call("GET", probe, nil, "", 200, nil)
			}
			release()
		}
	}
	for c := range s.server.limits.slots {
		if !seen[c] {
			t.Errorf("no route is of the class %d", c)
		}
		if n := s.server.limits.slots[c].Held(); n != 0 {
			t.Errorf("%d slots of the class %d are held at the end", n, c)
		}
	}
}

// TestRequestLimits_waitsForASlot checks that a read waits for a while before it is refused.
func TestRequestLimits_waitsForASlot(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	s.chat("a", "c", "hello")
	pool := s.server.limits.slots[readSlots]
	release := s.fill(pool, "a", 0)
	done := make(chan int, 1)
	go func() {
		done <- s.request("GET", "/api/v1/conversations/c", headers{tenantHeader: "a"}, "").StatusCode
	}()
	s.eventually("it waits", func() bool { return pool.Waiting() == 1 })
	release()
	if status := <-done; status != 200 {
		t.Errorf("%d", status)
	}
}

// TestReadWholeBody_ofUnknownTenants checks many requests that announce a body and name an unknown
// tenant. Each request gets its response before the body arrives, and the host holds no memory for
// the body.
func TestReadWholeBody_ofUnknownTenants(t *testing.T) {
	s := serve(t, Options{})
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			expect := ""
			if i%2 == 0 {
				expect = "Expect: 100-continue\r\n"
			}
			c := s.raw("POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: nobody\r\nContent-Type: application/json\r\n" + expect + "Content-Length: 70000\r\n\r\n")
			s.answered(c, 404)
		})
	}
	all.Wait()
	if n := s.server.limits.bodies[gatewayCaller].Held(); n != 0 {
		t.Errorf("%d bytes are held", n)
	}
}

// answered reads one response from the connection, and checks its status. It fails if an interim
// response comes first.
func (s *testServer) answered(c net.Conn, status int) string {
	s.Helper()
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		s.Error(err)
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		s.Errorf("%d %s %v, want %d", resp.StatusCode, b, err, status)
	}
	return string(b)
}

// TestReadWholeBody_expectContinue checks that the server responds to Expect: 100-continue only
// after it knows the tenant.
func TestReadWholeBody_expectContinue(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	body := chatBody("c", "hello")
	c := s.raw(fmt.Sprintf("POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: a\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body)))
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	r := bufio.NewReader(c)
	line, err := r.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q %v", line, err)
	}
	if _, err := io.WriteString(c, body); err != nil {
		t.Fatal(err)
	}
	_, _ = r.ReadString('\n')
	if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("%v %v", resp, err)
	}
}

// TestRequestLimits_bodies checks that a body for which the limit has no room is refused: at once
// if the request has a Content-Length, and otherwise while the body arrives.
//
// beyond: body
// beyond: bodies
// beyond: bodies of admins
func TestRequestLimits_bodies(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	s.register("b", nil)
	const chat, put = "POST /api/v1/chat HTTP/1.1\r\nX-Tenant-ID: %s\r\n", "PUT /admin/v1/tenants/%s HTTP/1.1\r\n"
	head := func(request, tenant string) string {
		return fmt.Sprintf(request, tenant) + "Host: localhost\r\nContent-Type: application/json\r\n"
	}
	for request, who := range map[string]caller{chat: gatewayCaller, put: adminCaller} {
		s.answered(s.raw(head(request, "a")+"Content-Length: 3000000\r\n\r\n"), 413)

		pool := s.server.limits.bodies[who]
		share, err := pool.Acquire(t.Context(), "a", map[caller]int64{gatewayCaller: bounds.DefaultBodyBytes / 2, adminCaller: bounds.AdminBodyBytes / 2}[who]-20<<10)
		if err != nil {
			t.Fatal(err)
		}
		s.answered(s.raw(head(request, "a")+"Content-Length: 60000\r\n\r\n"), 429)
		c := s.raw(head(request, "a") + "Transfer-Encoding: chunked\r\n\r\n")
		go func() { _, _ = io.WriteString(c, "ea60\r\n"+strings.Repeat(" ", 60000)+"\r\n") }()
		s.answered(c, 429)
		go func() { _ = c.Close() }()
		// A request of another tenant still succeeds.
		body := `{}`
		if who == gatewayCaller {
			body = chatBody("c", "m")
		}
		s.answered(s.raw(head(request, "b")+fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)), 200)
		share.Release()
		s.eventually("nothing is held", func() bool { return pool.Held() == 0 })
	}
}

// TestRequestLimits_aTurnHoldsItsMessage checks that the limit for bodies counts a message until
// its turn ends, and does not count the other bytes of the body during the turn.
func TestRequestLimits_aTurnHoldsItsMessage(t *testing.T) {
	s := serve(t, Options{})
	s.register("hangs", echoWith(map[string]any{"hang_after_tokens": 0, "tokens": 5}))
	c := s.raw(rawChat("hangs", "c", false))
	s.eventually("the message is held", func() bool { return s.server.limits.bodies[gatewayCaller].Held() == 1 })
	_ = c.Close()
	s.eventually("nothing is held", func() bool { return s.server.limits.bodies[gatewayCaller].Held() == 0 })
}

// TestDecodeObject_tooManyValues checks that a body with too many values is refused before memory
// is allocated for them.
//
// beyond: values of a body
func TestDecodeObject_tooManyValues(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	body := func(n int) string {
		return `{"conversation_id":"c","message":"m","metadata":{"a":[0` + strings.Repeat(",0", n) + `]}}`
	}
	s.refuse(refusal{"", "POST", "/api/v1/chat", headers{tenantHeader: "a"}, body(bounds.BodyValues), 400, fault.Invalid, "", "values"})
	s.call("POST", "/api/v1/chat", headers{tenantHeader: "a"}, body(8000), 200, nil)
}

// TestReadWholeBody_slow checks that a body that arrives too slowly is refused.
//
// beyond: slow body
func TestReadWholeBody_slow(t *testing.T) {
	s := serve(t, Options{writeTimeout: 300 * time.Millisecond})
	s.register("a", nil)
	c := s.raw("POST /api/v1/chat HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: a\r\nContent-Type: application/json\r\nContent-Length: 70000\r\n\r\n")
	go func() {
		for range 10000 {
			if _, err := c.Write([]byte(" ")); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	s.answered(c, 408)
	s.eventually("nothing is held", func() bool { return s.server.limits.bodies[gatewayCaller].Held() == 0 })
}

// TestValidated_tooManyHeaders checks the maximum number of headers and their maximum size.
//
// beyond: headers
func TestValidated_tooManyHeaders(t *testing.T) {
	s := serve(t, Options{})
	const get = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n"
	s.answered(s.raw(get+strings.Repeat("X: y\r\n", bounds.HeaderFields)+"\r\n"), 200)
	s.answered(s.raw(get+strings.Repeat("X: y\r\n", bounds.HeaderFields+1)+"\r\n"), 431)
	s.answered(s.raw(get+"X: "+strings.Repeat("y", bounds.HeaderBytes+8<<10)+"\r\n\r\n"), 431)
}

// stalled sends a request on a new connection and does not read the response.
func (s *testServer) stalled(request string) net.Conn {
	s.Helper()
	d := net.Dialer{}
	c, err := d.DialContext(s.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = c.Close() })
	_ = c.(*net.TCPConn).SetReadBuffer(256 << 10)
	if _, err := io.WriteString(c, request); err != nil {
		s.Fatal(err)
	}
	return c
}

// TestResponse_stalledReaders checks a tenant that asks for large pages on many connections and
// reads none of them. The memory for answers stays bounded, another tenant can read, the tenant
// itself can chat, and a reader that continues gets its whole page.
//
// beyond: answers
func TestResponse_stalledReaders(t *testing.T) {
	s := serveHost(t, Options{}, host.Options{Config: map[string]any{
		"limits":   map[string]any{"message_bytes": 1 << 20, "reply_bytes": 1 << 20},
		"http":     map[string]any{"answer_bytes": bounds.MinHeldBytes},
		"defaults": map[string]any{"llm": map[string]any{"provider": "echo"}},
	}})
	s.register("large", echoWith(map[string]any{"reply": "yes"}))
	s.register("small", nil)
	s.chat("small", "c", "hello")
	message := strings.Repeat("m", 1<<20-10)
	for range 9 {
		s.chat("large", "c", message)
	}
	const request = "GET /api/v1/conversations/c/turns HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: large\r\n\r\n"
	pool := s.server.limits.answers[gatewayCaller]
	var readers []net.Conn
	for range 40 { // a page has about 8 MiB, so six pages fit into half of MinHeldBytes
		readers = append(readers, s.stalled(request))
	}
	s.eventually("the first hold their pages, and others wait", func() bool { return pool.Held() > 30<<20 && pool.Waiting() > 0 })
	if held := pool.Held(); held > bounds.MinHeldBytes/2 {
		t.Errorf("%d bytes are held", held)
	}
	s.get("/admin/v1/tenants", nil)
	s.call("GET", "/api/v1/conversations/c/turns", headers{tenantHeader: "small"}, "", 200, nil)
	s.chat("large", "another", "still here")

	var refused atomic.Int64
	var all sync.WaitGroup
	for _, c := range readers {
		all.Go(func() {
			_ = c.SetReadDeadline(time.Now().Add(60 * time.Second))
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Error(err)
				return
			}
			n, err := io.Copy(io.Discard, resp.Body)
			switch {
			case err != nil:
				t.Error(err)
			case resp.StatusCode == 429:
				refused.Add(1)
			case resp.StatusCode != 200 || n < 8<<20:
				t.Errorf("%d, %d bytes", resp.StatusCode, n)
			}
			_ = c.Close()
		})
	}
	all.Wait()
	t.Logf("%d were refused", refused.Load())
	s.eventually("nothing is held", func() bool { return pool.Held() == 0 && s.server.limits.slots[readSlots].Held() == 0 })
}

// TestResponse_slowReader checks that the server cuts off a client that reads nothing, and releases
// the memory of its page.
//
// beyond: slow reader
func TestResponse_slowReader(t *testing.T) {
	s := serveHost(t, Options{writeTimeout: 300 * time.Millisecond}, host.Options{Config: map[string]any{
		"defaults": map[string]any{"llm": map[string]any{"provider": "echo"}},
	}})
	s.register("a", echoWith(map[string]any{"reply": "yes"}))
	for range 8 {
		s.chat("a", "c", strings.Repeat("m", 1<<20-10))
	}
	c := s.stalled("GET /api/v1/conversations/c/turns HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: a\r\n\r\n")
	pool := s.server.limits.answers[gatewayCaller]
	s.eventually("it holds a page", func() bool { return pool.Held() > 0 })
	s.eventually("it holds none", func() bool { return pool.Held() == 0 })
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Errorf("%d bytes pass for a whole page", n)
	}
}

// TestRequestLimits_answersToAdmins checks that the limit for answers counts large answers to
// operators.
//
// beyond: answers to admins
func TestRequestLimits_answersToAdmins(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", map[string]any{"prompts": map[string]any{"system": strings.Repeat("s", 100<<10)}})
	pool := s.server.limits.answers[adminCaller]
	share, err := pool.Acquire(t.Context(), "a", bounds.AdminAnswerBytes/2-64<<10)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan int, 1)
	go func() { done <- s.request("GET", "/admin/v1/tenants/a", nil, "").StatusCode }()
	s.eventually("it waits", func() bool { return pool.Waiting() == 1 })
	share.Release()
	if status := <-done; status != 200 {
		t.Error(status)
	}
	s.fillBytes(pool, "a")
	var p Problem
	s.call("GET", "/admin/v1/tenants/a", nil, "", 429, &p)
	if p.Class != fault.RateLimited.String() {
		t.Errorf("%+v", p)
	}
}

// fillBytes takes all bytes of the pool that one tenant can get, and starts as many further calls
// of Acquire as may wait.
func (s *testServer) fillBytes(p *fairshare.Pool, tenant string) {
	s.Helper()
	share, err := p.Acquire(s.Context(), tenant, bounds.AdminAnswerBytes/2)
	if err != nil {
		s.Fatal(err)
	}
	var all sync.WaitGroup
	s.Cleanup(func() { share.Release(); all.Wait() })
	for range bounds.AdminReadSlots.Each {
		all.Go(func() {
			if share, err := p.Acquire(s.Context(), tenant, 1); err == nil {
				share.Release()
			}
		})
	}
	s.eventually("all wait", func() bool { return p.Waiting() == int(bounds.AdminReadSlots.Each) })
}
