package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/bounds"
)

// TestSecretSum checks the three bounds on a block's secrets: their number, the length of each
// secret, and the length of all secrets together. Host.Tenant and Host.Resolve both apply the
// bounds, to literal secrets and to references.
func TestSecretSum(t *testing.T) {
	h, base := secretsHost(t)
	file := filepath.Join(base, "secrets/client-a/long")
	write := func(t *testing.T, n int) {
		t.Helper()
		if err := os.WriteFile(file, []byte(strings.Repeat("s", n)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	headers := func(n int, value string) *Document {
		m := map[string]any{}
		for i := range n {
			m[fmt.Sprint("h", i)] = value
		}
		return FromMap("tenant", map[string]any{"llm": map[string]any{"headers": m}})
	}
	check := func(doc *Document) (*Effective, error) {
		return h.Tenant(t.Context(), "client-a", Documents{Operator: doc}, testSchemas(t))
	}
	write(t, 2_000)
	e, err := check(headers(bounds.BlockSecrets-1, "${file:long}")) // api_key is one more secret
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Resolve(e, e.LLM); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		n           int
		value, want string
		size        int
	}{
		// beyond: secrets of a block
		{bounds.BlockSecrets, "12345678", "llm: has 101 secrets; expected at most 100", 1},
		{bounds.BlockSecrets, "${file:long}", "llm: has 101 secrets; expected at most 100", 1},
		{9_000, "${file:long}", "llm: has 9001 secrets; expected at most 100", 1},
		// beyond: bytes of a block's secrets
		{90, "${file:long}", "llm: has secrets of more than 262144 bytes together; expected smaller or fewer ones", 3_000},
		{90, strings.Repeat("s", 3_000), "llm: has secrets of more than 262144 bytes together; expected smaller or fewer ones", 1},
		// beyond: secret
		{1, strings.Repeat("s", maxSecret+1), "llm.headers.h0: is a secret that is too long; expected at most 65536 bytes", 1},
		{1, "${file:long}", "missing secret: the file long has more than 65536 bytes", maxSecret + 1},
	} {
		t.Run(c.want, func(t *testing.T) {
			write(t, c.size)
			if _, err := check(headers(c.n, c.value)); err == nil || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("%.300v; want %s", err, c.want)
			}
		})
	}
	write(t, 3_000) // the files grow after Host.Tenant has checked them
	if _, err := h.Resolve(e, e.LLM); err == nil || !strings.Contains(err.Error(), "has secrets of more than 262144 bytes together") {
		t.Errorf("%.300v", err)
	}
}
