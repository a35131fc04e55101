package pgstore

import (
	"strings"
	"testing"

	"github.com/botyard/botyard/pgtest"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestPoolerRefusesAtTheStart: what a pooler answers in its own way is the configuration's
// fault as much as if the server had said it.
func TestPoolerRefusesAtTheStart(t *testing.T) {
	b, err := pgtest.PgBouncer(t.Context(), guarded.start(t))
	pgtest.Check(t, err)
	dir, port := b.Socket()
	for _, try := range []struct {
		path string // where it is refused; "": not
		set  func(*Connection)
	}{
		{"", func(*Connection) {}},
		{"connection.password", func(c *Connection) { c.Password = "wrong" }},
		{"connection.password", func(c *Connection) { c.User = "nobody" }}, // it does not tell which of the two
		{"connection.database", func(c *Connection) { c.Database = "missing" }},
	} {
		cfg := config("")
		cfg.Connection = Connection{Host: Hosts{dir}, Port: port, Database: "postgres", User: "postgres", Password: "right"}
		try.set(&cfg.Connection)
		s, err := Open(t.Context(), cfg, env())
		if err == nil {
			if _, err = s.ready(t.Context()); err != nil {
				t.Errorf("%+v: %v", cfg.Connection, err)
			}
			s.Close()
		}
		if try.path == "" {
			if err != nil {
				t.Errorf("%+v: %v", cfg.Connection, err)
			}
			continue
		}
		if e := fault.Of(err); err == nil || e.Class != fault.Invalid || e.Path != try.path || e.Party != fault.PartyTenant ||
			strings.Contains(e.Error(), "wrong") {
			t.Errorf("%+v: %v; want it refused at %s", cfg.Connection, err, try.path)
		}
	}
}

// TestPoolerRefusals are told apart by their sentences.
func TestPoolerRefusals(t *testing.T) {
	cfg := config("")
	cfg.Connection = Connection{User: "u", Password: "p", Database: "d"}
	for _, try := range []struct {
		sentence string
		path     string // of the configuration; "": not its fault
		class    fault.Class
	}{
		{"password authentication failed", "connection.password", fault.Unauthenticated},
		{`password authentication failed for user "u"`, "connection.password", fault.Unauthenticated},
		{"SASL authentication failed", "connection.password", fault.Unauthenticated},
		{"SCRAM authentication failed: user has MD5 secret", "connection.password", fault.Unauthenticated},
		{"no such user: u", "connection.user", fault.Unauthenticated},
		{`"trust" authentication failed`, "connection.user", fault.Unauthenticated},
		{"unix socket login rejected", "connection.user", fault.Unauthenticated},
		{"no such database: d", "connection.database", fault.Invalid},
		{`database "d" does not exist`, "connection.database", fault.Invalid},
		{"server login has been failing, try again later (server_login_retry)", "", fault.ProviderFailed},
		{"query_wait_timeout", "", fault.ProviderFailed},
		{"invalid message format", "", fault.ProviderFailed},
	} {
		err := &pgconn.PgError{Severity: "FATAL", Code: stateProtocol, Message: try.sentence}
		path := ""
		if e := cfg.configured(err); e != nil {
			path = e.Path
		}
		if e := classify(t.Context(), err); path != try.path || e.Class != try.class {
			t.Errorf("%s: at %q, %s; want %q, %s", try.sentence, path, e.Class, try.path, try.class)
		}
	}
}
