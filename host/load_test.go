package host

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// TestWarnOnce checks that the host logs one warning for each file with a secret that all users
// may read, however often it reads the file. It logs none for a file that only owner and group
// may read. The log contains no secret.
func TestWarnOnce(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	write("gateway.token", "gateway-token-of-the-yard", 0o644)
	write("admin.token", "admin-token-of-the-yard", 0o640)
	write("key.pem", "no key", 0o604)
	write("host.hcl", `
plugin_dirs = []
auth {
  mode          = "token"
  gateway_token = file("gateway.token")
  admin_token   = file("admin.token")
}
tls {
  cert_file = "cert.pem"
  key_file  = "key.pem"
}
`, 0o600)
	var log bytes.Buffer
	o := Options{ConfigFile: filepath.Join(dir, "host.hcl"), Log: hclog.New(&hclog.LoggerOptions{Output: &log})}
	if _, err := Open(context.Background(), o); err == nil || !strings.Contains(err.Error(), "no storage plugin is named") {
		t.Fatal(err) // expected, because the host has no plugins; the files themselves are valid
	}
	o.openToAll = warnOnce(o.Log)
	before := log.String()
	log.Reset()
	for range 3 { // a reload and the API read tokens again
		cfg, err := readFiles(o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cfg.Tokens(); err != nil {
			t.Error(err)
		}
	}
	if text := log.String(); strings.Count(text, "gateway.token") != 1 {
		t.Errorf("read again: %s", text)
	}
	for name, want := range map[string]int{"gateway.token mode=0644": 1, "key.pem mode=0604": 1, "admin.token": 0, "-of-the-yard": 0} {
		if got := strings.Count(before, name); got != want {
			t.Errorf("%s: %d times, want %d, in\n%s", name, got, want, before)
		}
	}
}
