package pgstore

import (
	"context"
	"strings"
	"testing"

	"github.com/botyard/botyard/pgtest"
	"github.com/botyard/botyard/sdk/fault"
)

// untried returns a Store that has not reached its database yet.
func untried(t *testing.T, dsn string) *Store {
	t.Helper()
	s, err := newStore(config(dsn), env(), migrations)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestStore_Check checks that a check of a database without tables succeeds and makes none, and what a
// check says of a server that is away and of tables of a newer plugin.
func TestStore_Check(t *testing.T) {
	c, name := restless(t)
	s := untried(t, c.DSN(name))
	check := func(want fault.Class, path, message string) {
		t.Helper()
		f := fault.Of(s.Check(t.Context()))
		if f == nil || f.Class != want || f.Path.String() != path || !strings.Contains(f.Message, message) {
			t.Errorf("got %v; want %s at %q with %q", f, want, path, message)
		}
	}
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Exec(t.Context(), name, "select count(*) from pg_namespace where nspname = 'botyard'"); err != nil || strings.TrimSpace(n) != "0" {
		t.Errorf("the check has made the schema: %s, %v", n, err)
	}
	if err := c.Stop(pgtest.Immediate); err != nil {
		t.Fatal(err)
	}
	check(fault.ProviderFailed, "", "cannot be reached")
	if err := c.StartAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("after the server came back: %v", err)
	}
	if _, err := s.ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), name, "update botyard.layout set version = 99, oldest = 99"); err != nil {
		t.Fatal(err)
	}
	check(fault.Invalid, "schema", "upgrade it")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Check(ctx); !fault.Is(err, fault.Canceled) {
		t.Errorf("a canceled check gives %v", err)
	}
}

func TestStore_Check_login(t *testing.T) {
	dsn := guarded.start(t).DSN("")
	for what, c := range map[string]struct {
		dsn   string
		class fault.Class
		path  string
	}{
		"right password": {dsn, 0, ""},
		"wrong password": {strings.ReplaceAll(dsn, "right", "wrong"), fault.Unauthenticated, "dsn"},
		"no database":    {guarded.cluster.DSN("none"), fault.Invalid, "dsn"},
	} {
		t.Run(what, func(t *testing.T) {
			switch f := fault.Of(untried(t, c.dsn).Check(t.Context())); {
			case c.path == "" && f != nil:
				t.Error(f)
			case c.path != "" && (f == nil || f.Class != c.class || f.Path.String() != c.path || strings.Contains(f.Message, "wrong")):
				t.Errorf("got %v", f)
			}
		})
	}
}
