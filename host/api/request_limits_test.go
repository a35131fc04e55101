package api

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

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
	exportSlots: bounds.ExportSlots, importSlots: bounds.ImportSlots, sweepSlots: bounds.SweepSlots, checkSlots: bounds.CheckSlots,
	branchSlots: bounds.BranchSlots, scrapeSlots: bounds.ScrapeSlots, turnSlots: {},
}

// TestRequestLimits_eachRoute checks each class of slots. One tenant uses all slots and all waiting
// places that it may have. Then every route of the class refuses the tenant's next request at once,
// and still accepts another tenant's request. Probes succeed.
//
// beyond: turns asked for
// beyond: reads
// beyond: deletions
// beyond: branches
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
	s.eventually("the request waits", func() bool { return pool.Waiting() == 1 })
	release()
	if status := <-done; status != 200 {
		t.Errorf("%d", status)
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
	for name, c := range map[string]struct {
		request string
		who     caller
	}{"gateway": {chat, gatewayCaller}, "operator": {put, adminCaller}} {
		request, who := c.request, c.who
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			s.answered(s.raw(head(request, "a")+"Content-Length: 40000000\r\n\r\n"), 413)

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
			s.eventually("the pool holds no bytes", func() bool { return pool.Held() == 0 })
		})
	}
}

// TestRequestLimits_aTurnHoldsItsMessage checks that the limit for bodies counts a message until
// its turn ends, and does not count the other bytes of the body during the turn.
func TestRequestLimits_aTurnHoldsItsMessage(t *testing.T) {
	s := serve(t, Options{})
	s.register("hangs", echoWith(map[string]any{"hang_after_tokens": 0, "tokens": 5}))
	c := s.raw(rawChat("hangs", "c"))
	s.eventually("the pool holds the message", func() bool { return s.server.limits.bodies[gatewayCaller].Held() == 1 })
	_ = c.Close()
	s.eventually("the pool holds no bytes", func() bool { return s.server.limits.bodies[gatewayCaller].Held() == 0 })
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
	s.eventually("the request waits", func() bool { return pool.Waiting() == 1 })
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
