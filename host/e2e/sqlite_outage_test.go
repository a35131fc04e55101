package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bot"
)

// onSQLite is the text of a host file that stores conversations and tenants in SQLite.
const onSQLite = `
registry {
  storage {
    backend = "sqlite"
  }
}
defaults {
  llm { provider = "echo" }
  conversation_storage { backend = "sqlite" }
}
`

// TestOutage_sqlite checks that a host on SQLite survives, under load, a clean stop with a restart, a kill
// with a restart, and a kill of its storage plugin.
func TestOutage_sqlite(t *testing.T) {
	t.Parallel()
	host := start(t, onSQLite, nil)
	f := &fleet{t: t, hosts: []*hostProcess{host}, front: host}
	restart := func(sig syscall.Signal) func(*testing.T) {
		return func(*testing.T) {
			host.stop(sig)
			host.run()
		}
	}
	for _, fault := range []struct {
		name   string
		leases time.Duration
		do     func(*testing.T)
	}{
		{"stopped in order", 0, restart(syscall.SIGTERM)},
		{"killed", bot.Lease, restart(syscall.SIGKILL)},
		{"plugin killed", 0, func(t *testing.T) { killPlugins(t, f.hosts, "storage-sqlite") }},
	} {
		t.Run(fault.name, func(t *testing.T) {
			f.survives(t, tagOf(fault.name), fault.leases, func(t *testing.T, _ *load) []*hostProcess {
				fault.do(t)
				return f.hosts
			})
		})
	}
}

// TestRegistry_sqlite checks that registered tenants and their conversations survive a clean stop and a
// kill of the host. No file may contain their secrets in plain text.
func TestRegistry_sqlite(t *testing.T) {
	t.Parallel()
	const secret = "sk-literal-4f1d9c"
	provider := serveOllama(t)
	host := start(t, onSQLite, nil)
	host.put("kept", fmt.Sprintf(`{"llm":{"provider":"ollama","model":"m","base_url":%q,"api_key":%q}}`, provider.url, secret))
	host.put("gone", `{}`)
	host.mustChat("kept", "c", "one")
	host.mustChat("gone", "c", "one")
	if a := host.do("DELETE", "/admin/v1/tenants/gone", ""); a.Status != 204 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	revision := host.do("GET", "/admin/v1/tenants/kept", "").Header.Get("ETag")
	for i, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		nowhere(t, filepath.Join(host.dir, "data"), secret)
		host.stop(sig)
		nowhere(t, filepath.Join(host.dir, "data"), secret)
		host.run()
		provider.sent()
		if a := host.mustChat("kept", "c", "again"); a.Turn != int64(i+2) {
			t.Errorf("after %s the turn is number %d", sig, a.Turn)
		}
		if keys := provider.sent(); !slices.Equal(keys, []string{secret}) {
			t.Errorf("after %s the provider was sent %q", sig, keys)
		}
		a := host.do("GET", "/admin/v1/tenants/kept", "")
		if now := a.Header.Get("ETag"); now != revision {
			t.Errorf("after %s the revision is %s; it was %s", sig, now, revision)
		}
		if strings.Contains(string(a.Body), secret) {
			t.Errorf("the secret is shown: %s", a.Body)
		}
		if a := host.chat("gone", "c", "hello?"); a.Status != 404 {
			t.Errorf("a removed tenant after %s: %d %s", sig, a.Status, a.Body)
		}
	}
	if a := host.do("POST", "/admin/v1/tenants/gone/restore", ""); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if a := host.mustChat("gone", "c", "back"); a.Turn != 2 {
		t.Errorf("a restored tenant's turn is number %d", a.Turn)
	}
	if strings.Contains(host.log.String(), secret) {
		t.Error("the secret is in the log")
	}
}

// nowhere fails the test if a file below dir contains the text. It also fails if no file contains an
// unencrypted database, because the search would then prove nothing.
func nowhere(t *testing.T, dir, text string) {
	t.Helper()
	tables := false
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		all, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		tables = tables || bytes.Contains(all, []byte("CREATE TABLE"))
		if bytes.Contains(all, []byte(text)) {
			t.Errorf("%s has the secret in it", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !tables {
		t.Errorf("there is no database in %s", dir)
	}
}
