package pgstore

import (
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
)

func TestPoolConfig_dsn(t *testing.T) {
	for _, c := range []struct {
		dsn  string
		over Connection
		// want is the list of hosts with ports, the user, the password and the database. If
		// poolConfig must return a fault, want is the path of that fault.
		want string
	}{
		{"", Connection{}, "localhost:5432 postgres  postgres"},
		{"", Connection{Host: Hosts{"db"}, Database: "bots_db", User: "u", Password: "p w'\\"}, `db:5432 u p w'\ bots_db`},
		{"", Connection{Host: Hosts{"a", "b:5433", "::1", "[::2]:5434", "/run/pg"}, Port: 6000}, "a:6000 b:5433 ::1:6000 ::2:5434 /run/pg:6000 postgres  postgres"},
		{"postgres://u:p%40:w@db:5433/bots?sslmode=disable", Connection{}, "db:5433 u p@:w bots"},
		{"postgres://u@a:1,b,[::1]:3/bots", Connection{}, "a:1 b:5432 ::1:3 u  bots"},
		{"postgres:///bots?host=/run/pg&port=5433&user=u", Connection{}, "/run/pg:5433 u  bots"},
		{"host=a,b port=1,2 user=u dbname='my db' password='it\\'s'", Connection{}, "a:1 b:2 u it's my db"},
		{"host = a  user = 'u'", Connection{}, "a:5432 u  u"},
		{"postgres://u:p@db:5433/bots", Connection{Host: Hosts{"other"}, Password: "q"}, "other:5433 u q bots"},
		{"host=a,b port=1,2", Connection{Host: Hosts{"c"}}, "c:5432 postgres  postgres"},
		{"postgres://u:secret@h/%zz", Connection{}, "dsn"},
		{"postgres://u:p/secret@h/bots", Connection{}, "dsn"},
		{"postgres://u:p@q/secret@h/bots", Connection{}, "dsn"},
		{"postgres://u:p?secret@h/bots", Connection{}, "dsn"},
		{"postgres://u:p#secret@h/bots", Connection{}, "dsn"},
		{"postgres://u@h/my%40db", Connection{}, "h:5432 u  my@db"},
		{"postgres://h/x?passfile=/etc/passwd", Connection{}, "dsn"},
		{"host=h sslkey=/etc/key.pem", Connection{}, "dsn"},
		{"service=other", Connection{}, "dsn"},
		{"host=h password='secret", Connection{}, "dsn"},
		{"secret", Connection{}, "dsn"},
		{"host=h dbnam=x", Connection{}, "dsn"},
		{"host=h connect_timeout=3", Connection{}, "dsn"},
		{"host=h port=secret", Connection{}, "dsn"},
		{"host=h sslmode=secret", Connection{}, "dsn"},
		{"", Connection{Host: Hosts{"a,b"}}, "connection.host"},
		{"", Connection{Host: Hosts{""}}, "connection.host"},
	} {
		t.Run(fmt.Sprintf("%q", c.dsn), func(t *testing.T) {
			cfg := config(c.dsn)
			cfg.Connection = c.over
			cfg.TLS.Mode = ""
			p, err := cfg.poolConfig(cfg.DSN, "dsn", cfg.Connection, nil, budget.Upstreams.Share())
			if err != nil {
				if e := fault.Of(err); e.Class != fault.Invalid || e.Path.String() != c.want || strings.Contains(e.Error(), "secret") {
					t.Errorf("%s: %v at %q; want a refusal at %q", c.dsn, err, e.Path, c.want)
				}
				return
			}
			conn := p.ConnConfig
			seen := []string{fmt.Sprintf("%s:%d", conn.Host, conn.Port)}
			for _, f := range conn.Fallbacks {
				// The driver lists a host a second time for an attempt without TLS.
				if at := fmt.Sprintf("%s:%d", f.Host, f.Port); at != seen[len(seen)-1] {
					seen = append(seen, at)
				}
			}
			got := fmt.Sprintf("%s %s %s %s", strings.Join(seen, " "), conn.User, conn.Password, conn.Database)
			if got != c.want {
				t.Errorf("%s with %+v:\n got %s\nwant %s", c.dsn, c.over, got, c.want)
			}
		})
	}
}

// TestPoolConfig_ignoresEnvironment checks that environment variables do not change the
// configuration.
func TestPoolConfig_ignoresEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"PGHOST": "elsewhere", "PGPORT": "1", "PGUSER": "someone", "PGPASSWORD": "theirs", "PGDATABASE": "other", "PGSSLMODE": "require",
		"PGPASSFILE": "/etc/.pgpass", "PGOPTIONS": "-c x=y", "PGAPPNAME": "other", "PGTARGETSESSIONATTRS": "any",
	} {
		t.Setenv(name, value)
	}
	cfg := config("")
	p, err := cfg.poolConfig("", "dsn", Connection{}, nil, budget.Upstreams.Share())
	if err != nil {
		t.Fatal(err)
	}
	c := p.ConnConfig
	if c.Host != "localhost" || c.Port != 5432 || c.User != "postgres" || c.Password != "" || c.Database != "postgres" ||
		c.RuntimeParams["application_name"] != "botyard" || len(c.RuntimeParams) != 1 || c.ValidateConnect == nil {
		t.Errorf("%s:%d %s %q %s %v", c.Host, c.Port, c.User, c.Password, c.Database, c.RuntimeParams)
	}
}
