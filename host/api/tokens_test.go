package api

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/secret"
)

// TestTokenCache_rotation checks that the server uses changed tokens without a restart, and ignores
// invalid tokens.
func TestTokenCache_rotation(t *testing.T) {
	var log logText
	s, dir := tokenHost(t, Options{Log: log.logger()}, "")
	var mu sync.Mutex
	now := time.Now()
	s.server.tokens.now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	expect := func(token string, status int) {
		t.Helper()
		s.call("GET", "/api/v1/conversations", headers{"Authorization": "Bearer " + token, "X-Tenant-ID": "a"}, "", status, nil)
	}
	expect(gatewayToken, 200)
	const next = "gateway-token-next"
	writeFile(t, dir, "gateway", next)
	pass(fileCheckInterval)
	expect(next, 200)
	expect(gatewayToken, 401)
	for _, bad := range []string{"short", "", adminToken} {
		writeFile(t, dir, "gateway", bad)
		pass(fileCheckInterval)
		expect(next, 200)
		if bad != "" {
			expect(bad, map[bool]int{true: 403, false: 401}[bad == adminToken])
		}
	}
	if err := os.Remove(filepath.Join(dir, "gateway")); err != nil {
		t.Fatal(err)
	}
	pass(time.Hour)
	expect(next, 200)
	text := log.String()
	if !strings.Contains(text, "auth.gateway_token: is too short") || !strings.Contains(text, "stay valid") || !strings.Contains(text, "changed tokens are valid") {
		t.Errorf("the log does not say what happened:\n%s", text)
	}
	if strings.Contains(text, next) || strings.Contains(text, gatewayToken) || strings.Contains(text, adminToken) {
		t.Error("the log has a token in it")
	}
}

// tokenAssembly is an assembly whose tokens the test sets.
type tokenAssembly struct {
	assembly
	tokens config.Tokens
}

func (tokenAssembly) Settings() (s config.Settings)    { s.Auth.Mode = config.AuthToken; return s }
func (k tokenAssembly) Tokens() (config.Tokens, error) { return k.tokens, nil }

// TestTokenCache_withoutTokens checks that a server without known tokens refuses every request,
// with or without a token.
func TestTokenCache_withoutTokens(t *testing.T) {
	for name, h := range map[string]Host{"no token source": struct{ Host }{tokenAssembly{}}, "empty tokens": tokenAssembly{}} {
		t.Run(name, func(t *testing.T) {
			k := New(h, Options{}).tokens
			for _, header := range []string{"", "Bearer ", "Bearer", "Bearer x"} {
				r, err := http.NewRequest("GET", "/", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Authorization", header)
				if gateway, admin := k.match(r); gateway || admin {
					t.Errorf("the server accepts %q", header)
				}
			}
		})
	}
}

// TestTokenCache_keepsTokens checks that the tokens stay valid when the reloaded files have another
// auth.mode, which takes effect at the next start.
func TestTokenCache_keepsTokens(t *testing.T) {
	h := &tokenAssembly{tokens: config.Tokens{Gateway: secret.NewText(gatewayToken), Admin: secret.NewText(adminToken)}}
	k := New(h, Options{}).tokens
	now := time.Now()
	k.now = func() time.Time { return now }
	r, err := http.NewRequest("GET", "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+gatewayToken)
	for range 2 {
		if gateway, admin := k.match(r); !gateway || admin {
			t.Errorf("%v, %v", gateway, admin)
		}
		h.tokens = config.Tokens{}
		now = now.Add(fileCheckInterval)
	}
}
