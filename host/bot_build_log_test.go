package host

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/hashicorp/go-hclog"
)

// TestBotBuild_spec_logs checks that a secret which each turn fails to read is logged once for each block
// of each tenant, and that the error for callers has no path.
func TestBotBuild_spec_logs(t *testing.T) {
	cfg, err := config.LoadHost(config.LoadOptions{Document: config.FromMap("host", map[string]any{})})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	h := &Host{log: hclog.New(&hclog.LoggerOptions{Output: &log})}
	missing := config.Reference{Scheme: "file", Name: filepath.Join(t.TempDir(), "key")}
	for _, tenant := range []string{"a", "b"} {
		e := &config.Effective{Tenant: tenant}
		for _, kind := range []string{"llm", "memory"} {
			block := config.Block{Kind: kind, Plugin: "p", Config: map[string]any{"api_key": missing}}
			for range 5 {
				b := &botBuild{host: h, cfg: cfg, effective: e} // as of another build
				if _, err := b.spec(block); !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), missing.Name) {
					t.Errorf("%v", err)
				}
			}
		}
	}
	if n := strings.Count(log.String(), "a tenant's secrets cannot be read"); n != 4 || strings.Count(log.String(), missing.Name) != 4 {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
}
