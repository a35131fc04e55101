package api

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

// TestCheckOrigin checks requests with the headers that a browser sends for pages of other sites.
func TestCheckOrigin(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	ours := strings.TrimPrefix(s.url, "http://")
	_, port, _ := net.SplitHostPort(ours)
	for _, c := range []struct {
		name   string
		h      headers
		status int
	}{
		{"a name that points here", headers{"Host": "evil.example:" + port}, 421},
		{"a name that ends like ours", headers{"Host": "localhost.evil.example"}, 421},
		{"another machine's address", headers{"Host": "192.168.0.1:8080"}, 421},
		{"all addresses", headers{"Host": "0.0.0.0:" + port}, 421},
		{"another origin", headers{"Origin": "http://evil.example"}, 403},
		{"another port", headers{"Origin": "http://127.0.0.1:1"}, 403},
		{"another name of ours", headers{"Origin": "http://localhost:" + port}, 403},
		{"no origin to speak of", headers{"Origin": "null"}, 403},
		{"a file", headers{"Origin": "file://"}, 403},
		{"an origin with a user", headers{"Origin": "http://x@" + ours}, 403},
		{"two origins", headers{"Origin": s.url + "\nhttp://evil.example"}, 403},
		{"another site", headers{"Sec-Fetch-Site": "cross-site"}, 403},
		{"two sites", headers{"Sec-Fetch-Site": "none\ncross-site"}, 403},
		{"a site without a name", headers{"Sec-Fetch-Site": " "}, 403},
		{"another port's page", headers{"Sec-Fetch-Site": "same-site"}, 403},
		{"a rebound page, origin and all", headers{"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, 421},
		{"a program", nil, 200},
		{"localhost", headers{"Host": "LOCALHOST:1234"}, 200},
		{"IPv6", headers{"Host": "[::1]:" + port}, 200},
		{"IPv6 without a port", headers{"Host": "[::1]"}, 200},
		{"our own page", headers{"Origin": s.url, "Sec-Fetch-Site": "same-origin"}, 200},
		{"typed into a browser", headers{"Sec-Fetch-Site": "none"}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			for _, r := range []refusal{
				{method: "GET", path: "/healthz"},
				{method: "GET", path: "/admin/v1/tenants"},
				{method: "POST", path: "/api/v1/chat", body: chatBody("c", "m")},
			} {
				h := headers{"X-Tenant-ID": "a"}
				for name, value := range c.h {
					h[name] = value
				}
				var p Problem
				if c.status == 200 {
					s.call(r.method, r.path, h, r.body, 200, nil)
				} else if s.call(r.method, r.path, h, r.body, c.status, &p); p.Class != fault.Forbidden.String() || p.Party != "caller" {
					t.Errorf("%+v", p)
				}
			}
		})
	}
}

// TestCheckOrigin_withoutHost checks that an HTTP/1.0 request without a Host header is refused.
func TestCheckOrigin_withoutHost(t *testing.T) {
	s := serve(t, Options{})
	resp, err := http.ReadResponse(bufio.NewReader(s.raw("GET /healthz HTTP/1.0\r\n\r\n")), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 421 {
		t.Errorf("status %d", resp.StatusCode)
	}
}
