package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTokens checks that each call reads a token's file again, and that neither printed values
// nor errors contain a token.
func TestTokens(t *testing.T) {
	dir := t.TempDir()
	write := func(t *testing.T, name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(t, "host.hcl", `
auth {
  mode          = "token"
  gateway_token = file("gateway")
  admin_token   = env("ADMIN")
}
tls {
  cert_file = "cert.pem"
  key_file  = "/etc/key.pem"
}
`)
	write(t, "gateway", "gateway-token-000\n")
	h, err := LoadHost(LoadOptions{File: filepath.Join(dir, "host.hcl"), Environ: []string{"ADMIN=admin-token-00000"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := (TLS{filepath.Join(dir, "cert.pem"), "/etc/key.pem"}); h.Settings.TLS != want || h.Settings.Auth.Mode != AuthToken {
		t.Errorf("%+v", h.Settings)
	}
	is := func(gateway string) {
		t.Helper()
		tokens, err := h.Tokens()
		if err != nil || tokens.Gateway.Reveal() != gateway || tokens.Admin.Reveal() != "admin-token-00000" {
			t.Errorf("%q %q, %v", tokens.Gateway.Reveal(), tokens.Admin.Reveal(), err)
		}
		if text := fmt.Sprintf("%+v %#v %+v", tokens, tokens, h.Settings); strings.Contains(text, "oken-0") {
			t.Error(text)
		}
	}
	is("gateway-token-000")
	write(t, "gateway", "gateway-token-001")
	is("gateway-token-001")
	for _, bad := range []string{"short-0", "admin-token-00000", "gateway token-000", ""} {
		t.Run(bad, func(t *testing.T) {
			write(t, "gateway", bad)
			_, err := h.Tokens()
			var problems Problems
			if !errors.As(err, &problems) || len(problems) != 1 {
				t.Fatalf("%q: %v", bad, err)
			}
			if bad != "" && strings.Contains(err.Error(), bad) {
				t.Errorf("the error has the token: %v", err)
			}
		})
	}
}
