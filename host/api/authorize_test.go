package api

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/botyard/botyard/host"
	"github.com/hashicorp/go-hclog"
)

const (
	gatewayToken = "gateway-token-0123"
	adminToken   = "admin-token-01234567"
)

// tokenHost serves a host with auth.mode "token" and returns the folder of its files.
func tokenHost(t *testing.T, o Options, more string) (s *testServer, dir string) {
	t.Helper()
	dir = t.TempDir()
	writeFile(t, dir, "gateway", gatewayToken+"\n")
	writeFile(t, dir, "admin", adminToken)
	writeFile(t, dir, "host.hcl", `
auth {
  mode          = "token"
  gateway_token = file("gateway")
  admin_token   = file("admin")
}
defaults {
  llm { provider = "echo" }
}
`+more)
	s = serveHost(t, o, host.Options{ConfigFile: filepath.Join(dir, "host.hcl")})
	s.register("a", nil)
	return s, dir
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	// writeFile renames a new file over the old file, so that the host never reads half of a file.
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// logText collects the log of a host and its server.
type logText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logText) logger() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Output: l, Level: hclog.Trace})
}

// TestAuthorize sends requests to every route with every kind of credential.
func TestAuthorize(t *testing.T) {
	var log logText
	s, _ := tokenHost(t, Options{Log: log.logger()}, "")
	open := map[string]bool{"/healthz": true, "/readyz": true}
	credentials := []struct {
		name, header   string
		gateway, admin bool
	}{
		{"none", "", false, false},
		{"gateway", "Bearer " + gatewayToken, true, false},
		{"admin", "Bearer " + adminToken, false, true},
		{"gateway, lower case", "bearer " + gatewayToken, true, false},
		{"wrong", "Bearer gateway-token-0124", false, false},
		{"a beginning", "Bearer gateway-token", false, false},
		{"more", "Bearer " + gatewayToken + "4", false, false},
		{"another case", "Bearer " + strings.ToUpper(gatewayToken), false, false},
		{"both in one", "Bearer " + gatewayToken + " " + adminToken, false, false},
		{"two headers", "Bearer " + gatewayToken + "\nBearer " + adminToken, false, false},
		{"no token", "Bearer ", false, false},
		{"no scheme", gatewayToken, false, false},
		{"another scheme", "Basic " + gatewayToken, false, false},
	}
	routes := s.server.routes()
	routes["/nowhere"] = map[string]route{"GET": {}}
	routes["/admin/v1/nowhere"] = map[string]route{"GET": {}}
	var refusals []string
	for pattern, methods := range routes {
		path := strings.NewReplacer("{id}", "a", "{conversation}", "c", "{turn}", "1").Replace(pattern)
		asked := []string{"PATCH"} // a method that most routes do not have
		for method := range methods {
			asked = append(asked, method)
		}
		for _, method := range asked {
			for _, c := range credentials {
				want := 0 // 0 stands for any status except 401 and 403
				switch {
				case open[pattern]:
				case !c.gateway && !c.admin:
					want = 401
				case strings.HasSuffix(pattern, "/nowhere"): // callers with any token may learn that the path has no route
				case (strings.HasPrefix(pattern, "/api/v1/") || pattern == chatAlias) && !c.gateway, strings.HasPrefix(pattern, "/admin/") && !c.admin, pattern == MetricsRoute && !c.admin:
					want = 403
				}
				if want == 0 && method == "DELETE" {
					continue // later requests need the tenant and its conversation
				}
				h := headers{"Authorization": c.header, "X-Tenant-ID": "a"}
				if want != 0 {
					var p Problem
					resp := s.call(method, path, h, "", want, &p)
					if given := resp.Header.Get("WWW-Authenticate"); (given == `Bearer realm="botyard"`) != (want == 401) {
						t.Errorf("%s %s with %s: WWW-Authenticate is %q", method, path, c.name, given)
					}
					if want == 401 {
						p.RequestID = ""
						refusals = append(refusals, p.Detail+p.Class+p.Path+p.Party)
					}
					continue
				}
				if resp := s.request(method, path, h, ""); resp.StatusCode == 401 || resp.StatusCode == 403 {
					t.Errorf("%s %s with %s: %d", method, path, c.name, resp.StatusCode)
				}
			}
		}
	}
	for _, r := range refusals {
		if r != refusals[0] {
			t.Errorf("two refusals differ: %q and %q", r, refusals[0])
		}
	}
	// No unusual spelling of an operator's path avoids the check of the token.
	for _, path := range []string{"/api/v1/../../admin/v1/tenants", "/v1/../admin/v1/tenants", "/v1/%2e%2e/admin/v1/tenants", "//admin/v1/tenants", "/admin%2fv1/tenants", "/api/v1/conversations/%2e%2e%2f%2e%2e%2fadmin%2fv1%2ftenants"} {
		for _, token := range []string{"", gatewayToken} {
			h := headers{"Authorization": "Bearer " + token, "X-Tenant-ID": "a"}
			s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			if resp := s.request("GET", path, h, ""); resp.StatusCode == 200 {
				t.Errorf("%s with %q: 200", path, token)
			}
		}
	}
	if text := log.String(); strings.Contains(text, gatewayToken) || strings.Contains(text, adminToken) || strings.Contains(text, "gateway-token-0124") {
		t.Error("the log has a token in it")
	}
}

// TestAuthorize_replacesTheCheckOfOrigins checks that with auth.mode "token" a gateway may use any
// host name and may forward the headers that a browser sent.
func TestAuthorize_replacesTheCheckOfOrigins(t *testing.T) {
	s, _ := tokenHost(t, Options{}, "")
	h := headers{"Authorization": "Bearer " + gatewayToken, "X-Tenant-ID": "a", "Host": "bots.example", "Origin": "https://bots.example", "Sec-Fetch-Site": "same-site"}
	s.call("POST", "/api/v1/chat", h, chatBody("c", "m"), 200, nil)
	delete(h, "Authorization")
	s.call("POST", "/api/v1/chat", h, chatBody("c", "m"), 401, nil)
}
