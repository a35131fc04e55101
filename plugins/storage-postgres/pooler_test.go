package pgstore

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/botyard/botyard/pgtest"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestOpen_poolerRefuses checks that Open returns a fault with the path of the wrong key when a
// pooler refuses the connection.
func TestOpen_poolerRefuses(t *testing.T) {
	b, err := pgtest.PgBouncer(t.Context(), guarded.start(t))
	pgtest.Check(t, err)
	dir, port := b.Socket()
	for _, try := range []struct {
		path string // path of the expected fault; empty if Open must succeed
		set  func(*Connection)
	}{
		{"", func(*Connection) {}},
		{"connection.password", func(c *Connection) { c.Password = "wrong" }},
		// The pooler does not say whether the user or the password is wrong.
		{"connection.password", func(c *Connection) { c.User = "nobody" }},
		{"connection.database", func(c *Connection) { c.Database = "missing" }},
	} {
		t.Run(cmp.Or(try.path, "accepted"), func(t *testing.T) {
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
				return
			}
			if e := fault.Of(err); err == nil || e.Class != fault.Invalid || e.Path.String() != try.path || e.Party != fault.PartyTenant ||
				strings.Contains(e.Error(), "wrong") {
				t.Errorf("%+v: %v; want it refused at %s", cfg.Connection, err, try.path)
			}
		})
	}
}

// TestSQLState_poolerRefusals checks which key and which class PgBouncer's error messages lead to.
func TestSQLState_poolerRefusals(t *testing.T) {
	cfg := config("")
	cfg.Connection = Connection{User: "u", Password: "p", Database: "d"}
	for _, try := range []struct {
		sentence string
		path     string // key of the configuration that is wrong; empty for none
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
		t.Run(try.sentence, func(t *testing.T) {
			err := &pgconn.PgError{Severity: "FATAL", Code: stateProtocol, Message: try.sentence}
			path := ""
			if e := cfg.configFault(err); e != nil {
				path = e.Path.String()
			}
			if e := classify(t.Context(), err); path != try.path || e.Class != try.class {
				t.Errorf("%s: at %q, %s; want %q, %s", try.sentence, path, e.Class, try.path, try.class)
			}
		})
	}
}

// TestSetPrepare_unrecognizedPooler checks a Store that uses prepared statements behind a pooler.
// The Store must stop using prepared statements when the pooler has lost one.
func TestSetPrepare_unrecognizedPooler(t *testing.T) {
	b, err := pgtest.PgBouncer(t.Context(), cluster(t))
	pgtest.Check(t, err)
	s := open(t, config(b.DSN(database(t))))
	begin(t, s, call("t", "c"))
	s.pool.setPrepare(true)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := range 10 {
				c := call("t", fmt.Sprint(i, " ", n))
				err := retried(func() error {
					_, err := s.Delete(t.Context(), storage.Scope{Call: c})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if s.pool.prepare.Load() {
		t.Error("statements are still prepared")
	}
	commit(t, s, call("t", "d"), begin(t, s, call("t", "d")))
	if s.pool.prepare.Load() || !s.preparedLost.Load() {
		t.Error("what was learned is forgotten")
	}
}
