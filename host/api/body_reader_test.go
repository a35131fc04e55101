package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

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
		t.Errorf("the pool holds %d bytes", n)
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
	s.eventually("the pool holds no bytes", func() bool { return s.server.limits.bodies[gatewayCaller].Held() == 0 })
}
