package api

import (
	"net"
	"testing"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/bounds"
)

// TestConnections checks that a new connection closes an idle connection, and that without an idle
// connection only probes and requests of operators succeed.
//
// beyond: connections
func TestConnections(t *testing.T) {
	s := serveHost(t, Options{}, host.Options{Config: map[string]any{
		"http":     map[string]any{"connections": bounds.MinConnections},
		"defaults": map[string]any{"llm": map[string]any{"provider": "echo"}},
	}})
	s.register("a", nil)
	const probe = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n"
	var idle []net.Conn
	for range 3 * bounds.MinConnections {
		c := s.raw(probe + "\r\n")
		s.answered(c, 200)
		idle = append(idle, c)
		s.eventually("the connection is idle", func() bool {
			s.server.connections.mu.Lock()
			defer s.server.connections.mu.Unlock()
			return s.server.connections.idle.Len() == min(len(idle), bounds.MinConnections)
		})
	}
	_ = idle[0].SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := idle[0].Read(make([]byte, 1)); err == nil {
		t.Error("the oldest idle connection is still open")
	}
	var busy []net.Conn
	for range bounds.MinConnections {
		busy = append(busy, s.raw(probe)) // these requests never send the end of their headers
	}
	s.eventually("no connection is idle", func() bool {
		s.server.connections.mu.Lock()
		defer s.server.connections.mu.Unlock()
		return s.server.connections.idle.Len() == 0 && len(s.server.connections.open) == bounds.MinConnections
	})
	var spares []net.Conn
	for range 2 * bounds.SpareConnections {
		spares = append(spares, s.raw(probe))
	}
	s.eventually("the number of connections is bounded", func() bool { return s.server.connections.count() == bounds.MinConnections+bounds.SpareConnections })
	for path, status := range map[string]int{"/healthz": 200, "/readyz": 200, "/admin/v1/tenants/a": 200, "/api/v1/conversations": 429} {
		s.answered(s.raw("GET "+path+" HTTP/1.1\r\nHost: localhost\r\nX-Tenant-ID: a\r\n\r\n"), status)
	}
	_ = spares[0].SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := spares[0].Read(make([]byte, 1)); err == nil {
		t.Error("the oldest spare is still open")
	}
	for _, c := range append(busy, spares...) {
		_ = c.Close()
	}
	s.eventually("a request of a tenant succeeds again", func() bool {
		return s.request("GET", "/api/v1/conversations", headers{tenantHeader: "a"}, "").StatusCode == 200
	})
}
