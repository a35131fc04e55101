package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
)

// onPostgres is the text of a host file whose two storages read their DSNs from secret files.
const onPostgres = `
secrets_dir = "secrets"
registry {
  storage {
    backend = "postgres"
    dsn     = file("secrets/registry")
  }
}
defaults {
  llm { provider = "echo" }
  conversation_storage {
    backend = "postgres"
    dsn     = file("secrets/pg")
  }
}
`

// startOnPostgres starts a host with the DSN in both secret files.
func startOnPostgres(t *testing.T, dsn string) *hostProcess {
	t.Helper()
	host := newHost(t, "", nil)
	if err := os.MkdirAll(filepath.Join(host.dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	host.write("secrets/registry", dsn)
	host.write("secrets/pg", dsn)
	host.write("botyard.hcl", "plugin_dirs = [\""+filepath.Join(binaries, "plugins")+"\"]\n"+onPostgres)
	host.runUntilTheEnd()
	return host
}

// TestPostgresCredentials_perTenant checks that tenants with different logins to one database have
// different connection pools. The host must refuse settings with a wrong password even while a pool with
// the right password is in use.
func TestPostgresCredentials_perTenant(t *testing.T) {
	t.Parallel()
	c := pgtest.For(t, pgtest.Options{NoSync: true, Password: "right one"})
	db := newDatabase(t, c)
	for _, role := range []string{"alice", "bob"} {
		if _, err := c.Exec(t.Context(), db, fmt.Sprintf(`create role %s login createrole password 'of %s'; grant create on database %s to %s`, role, role, db, role)); err != nil {
			t.Fatal(err)
		}
	}
	host := startOnPostgres(t, c.DSN(db))
	socket, port := c.Socket()
	tenant := func(user, password string) string {
		return fmt.Sprintf(`{"conversation_storage":{"connection":{"host":%q,"port":%d,"database":%q,"user":%q,"password":%q},"schema":%q}}`,
			socket, port, db, user, password, "of_"+user)
	}
	host.put("alice", tenant("alice", "of alice"))
	host.mustChat("alice", "c", "one")
	for name, settings := range map[string]string{
		"wrong":    tenant("alice", "of bob"),
		"stranger": tenant("carol", "of carol"),
		"nobody":   tenant("alice", ""),
	} {
		a := host.do("PUT", "/admin/v1/tenants/"+name, settings)
		if a.Status != 422 || !strings.Contains(string(a.Body), "conversation_storage.connection.") {
			t.Errorf("%s was registered: %d %s", name, a.Status, a.Body)
		}
		if strings.Contains(string(a.Body), "of bob") || strings.Contains(string(a.Body), "of carol") {
			t.Errorf("the password is shown: %s", a.Body)
		}
		if a := host.chat(name, "c", "hello"); a.Status != 404 {
			t.Errorf("%s is served: %d %s", name, a.Status, a.Body)
		}
	}
	// A refused change does not affect the working credentials.
	if a := host.do("PUT", "/admin/v1/tenants/alice", tenant("alice", "of bob")); a.Status != 422 {
		t.Errorf("a wrong password replaced the right one: %d %s", a.Status, a.Body)
	}
	if a := host.mustChat("alice", "c", "two"); a.Turn != 2 {
		t.Errorf("the turn is number %d", a.Turn)
	}
	host.put("bob", tenant("bob", "of bob"))
	if a := host.mustChat("bob", "c", "one"); a.Turn != 1 {
		t.Errorf("the turn is number %d", a.Turn)
	}
	users, err := c.Exec(t.Context(), db, `select string_agg(distinct usename, ' ' order by usename) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()`)
	if err != nil || users != "alice bob postgres" {
		t.Errorf("%v: logged in are %q", err, users)
	}
	if log := host.log.String(); strings.Contains(log, "of bob") || strings.Contains(log, "right one") {
		t.Error("a password is in the log")
	}
}

// TestPostgresCredentials_rotation replaces the password of the host's login while the host runs, first in
// the database and then in the secret files. The host must use the new password without a restart.
func TestPostgresCredentials_rotation(t *testing.T) {
	t.Parallel()
	c := pgtest.For(t, pgtest.Options{NoSync: true, Password: "of the superuser"})
	db := newDatabase(t, c)
	admin := func(sql string) {
		t.Helper()
		if _, err := c.Exec(t.Context(), db, sql); err != nil {
			t.Fatal(err)
		}
	}
	admin(`create role keeper login createrole password 'first'; grant create on database ` + db + ` to keeper`)
	dsn := func(password string) string {
		return c.DSN(db) + " user=keeper password='" + password + "'"
	}
	host := startOnPostgres(t, dsn("first"))
	host.put("a", `{"prompts":{"system":"before"}}`)
	host.mustChat("a", "c", "one")

	admin(`alter role keeper password 'second'`)
	admin(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'keeper'`)
	host.eventually(10*time.Second, "the old password does not work any more", func() bool {
		return host.chat("a", "c", "two").Status >= 500
	})
	for _, file := range []string{"registry", "pg"} {
		host.write("secrets/.new", dsn("second"))
		if err := os.Rename(filepath.Join(host.dir, "secrets/.new"), filepath.Join(host.dir, "secrets", file)); err != nil {
			t.Fatal(err)
		}
	}
	replaced := time.Now()
	host.eventually(20*time.Second, "the new password is used", func() bool {
		return host.chat("a", "c", "three").Status == 200
	})
	t.Logf("turns succeeded %s after the file was replaced", time.Since(replaced).Round(time.Millisecond))
	host.put("a", `{"prompts":{"system":"after"}}`)
	if a := host.mustChat("a", "c", "four"); !strings.Contains(a.Reply, `"after"`) {
		t.Errorf("the reply is %q", a.Reply)
	}
	// If the registry's file becomes invalid, the host goes on with the last valid DSN.
	host.write("secrets/registry", "nonsense")
	host.eventually(10*time.Second, "the host says so", func() bool {
		return strings.Contains(host.log.String(), "goes on with the secrets that it had")
	})
	host.put("a", `{"prompts":{"system":"at last"}}`)
	if log := host.log.String(); strings.Contains(log, "'first'") || strings.Contains(log, "'second'") {
		t.Errorf("a password is in the log:\n%s", log)
	}
}

// TestPostgresCredentials_sealed checks that no table contains a secret of a registered tenant in plain
// text.
func TestPostgresCredentials_sealed(t *testing.T) {
	t.Parallel()
	c := pgtest.For(t, pgtest.Options{NoSync: true})
	f := startFleet(t, c, 2)
	const secret = "sk-literal-91ab7e"
	provider := serveOllama(t)
	for _, system := range []string{"one", "two"} { // two versions, because the history stores both
		f.hosts[0].put("kept", fmt.Sprintf(`{"llm":{"provider":"ollama","model":"m","base_url":%q,"api_key":%q},"prompts":{"system":%q}}`, provider.url, secret, system))
	}
	f.hosts[0].mustChat("kept", "c", "hello")
	f.hosts[0].do("DELETE", "/admin/v1/tenants/kept", "")
	f.hosts[0].do("POST", "/admin/v1/tenants/kept/restore", "")
	provider.sent()
	f.hosts[1].mustChat("kept", "c", "hello") // the other host can open the sealed secret
	if keys := provider.sent(); len(keys) != 1 || keys[0] != secret {
		t.Errorf("the provider was sent %q", keys)
	}
	documents := 0
	for _, table := range strings.Fields(f.sql(`select relname from pg_class where relnamespace = 'botyard'::regnamespace and relkind = 'r'`)) {
		for _, row := range strings.Split(f.sql(`select r::text from botyard.%s as r`, table), "\n") {
			if strings.Contains(row, secret) || strings.Contains(row, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s has the secret in it: %s", table, row)
			}
			if strings.Contains(row, fmt.Sprintf("%x", provider.url)) {
				documents++ // the URL is not secret, which shows that the search finds documents
			}
		}
	}
	if documents < 4 {
		t.Errorf("%d documents were found; want those of four versions", documents)
	}
}
