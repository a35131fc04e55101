package pgstore

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// settle gives every table that has a column tenant at least one row of the tenant.
func settle(t *testing.T, s *Store, tenant string) {
	t.Helper()
	commit(t, s, call(tenant, "c"), begin(t, s, call(tenant, "c"), keyed("k")))
	for range 3 {
		commit(t, s, call(tenant, "trash"), begin(t, s, call(tenant, "trash")))
	}
	commit(t, s, call(tenant, "retracted"), begin(t, s, call(tenant, "retracted")))
	commit(t, s, call(tenant, "retracted"), begin(t, s, call(tenant, "retracted"), retracting(1)))
	if res := claim(t, s, tenant); len(res.Claimed) != 3 {
		t.Fatalf("%+v", res)
	}
	if d, err := s.Delete(t.Context(), storage.Scope{Call: call(tenant, "trash"), Limit: 1}); err != nil || !d.More {
		t.Fatalf("%+v, %v", d, err)
	}
	if _, err := s.Delete(t.Context(), storage.Scope{Call: sdk.Call{Tenant: tenant, Incarnation: "old"}, Tenant: true}); err != nil {
		t.Fatal(err)
	}
	for version := range int64(2) {
		_, err := s.PutTenant(t.Context(), &storage.PutTenantRequest{Tenant: tenant, IfVersion: version, State: storage.TenantActive,
			Attempt: fmt.Sprint(tenant, version), Document: []byte("of " + tenant)})
		if err != nil {
			t.Fatal(err)
		}
	}
}

const tablesOfTenants = `select c.relname::text from pg_class as c where c.relnamespace = 'botyard'::regnamespace and c.relkind in ('r', 'p')
	and exists (select from pg_attribute as a where a.attrelid = c.oid and a.attname = 'tenant')`

// TestIsolation_rowLevelSecurity checks that row-level security is enabled and forced on every
// table with a column tenant. It also checks that all other tables, views and sequences are on a
// fixed list.
func TestIsolation_rowLevelSecurity(t *testing.T) {
	dsn := cluster(t).DSN(database(t))
	open(t, config(dsn))
	c := connect(t, dsn)
	lax := column[string](t, c, tablesOfTenants+` and not (c.relrowsecurity and c.relforcerowsecurity)`)
	if len(lax) > 0 {
		t.Errorf("without forced row-level security: %q", lax)
	}
	others := column[string](t, c, `select relname::text from pg_class where relnamespace = 'botyard'::regnamespace and relkind in ('r', 'p')
		and relname not in (`+tablesOfTenants+`) order by 1`)
	if want := []string{"holders", "layout", "registry"}; !slices.Equal(others, want) {
		t.Errorf("tables without a tenant are %q; want %q", others, want)
	}
	for _, kind := range []string{"v", "m", "S"} {
		for _, name := range column[string](t, c, `select relname::text from pg_class where relnamespace = 'botyard'::regnamespace and relkind = $1::"char"`, kind) {
			if name != "conversations_cid_seq" {
				t.Errorf("%s is new, and this test does not know what it shows", name)
			}
		}
	}
	if definers := column[string](t, c, `select proname::text from pg_proc where pronamespace = 'botyard'::regnamespace and prosecdef`); len(definers) > 0 {
		t.Errorf("functions that run as their owner: %q", definers)
	}
}

// TestIsolation_queriesWithoutWhere checks that a query of a whole table returns only rows of the
// tenant that is set. It checks this for appRole and for an owner of the tables who is not a
// superuser.
func TestIsolation_queriesWithoutWhere(t *testing.T) {
	// The test creates a login, which may be impossible on an existing server.
	c := own(t)
	name := database(t)
	owner := "owner_" + name
	for _, sql := range []string{"create role " + owner + " login", "alter database " + name + " owner to " + owner} {
		if _, err := c.Exec(t.Context(), name, sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, try := range []struct{ what, dsn, role string }{
		{"superuser", c.DSN(database(t)), appRole},
		{"owner", c.DSN(name) + " user=" + owner, "none"},
	} {
		t.Run(try.what, func(t *testing.T) {
			s := open(t, config(try.dsn))
			if b, err := s.ready(t.Context()); err != nil || b.role != try.role {
				t.Fatalf("works as %+v, %v; want %s", b, err, try.role)
			}
			settle(t, s, "a")
			settle(t, s, "b")
			conn := connect(t, try.dsn)
			tables := column[string](t, conn, tablesOfTenants)
			if len(tables) < 9 {
				t.Fatalf("only %q", tables)
			}
			for _, table := range tables {
				seen := func(tenant string) []string {
					tx, err := conn.Begin(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					defer func() { _ = tx.Rollback(context.Background()) }() // the transaction has only read
					if _, err := tx.Exec(t.Context(), setting, try.role, tenant, "10000"); err != nil {
						t.Fatal(err)
					}
					return column[string](t, conn, `select distinct tenant from botyard.`+table)
				}
				if got := seen("a"); !slices.Equal(got, []string{"a"}) {
					t.Errorf("%s: with tenant a set, rows of %q are seen", table, got)
				}
				if got := seen("b"); !slices.Equal(got, []string{"b"}) {
					t.Errorf("%s: with tenant b set, rows of %q are seen", table, got)
				}
				if got := seen(""); len(got) > 0 {
					t.Errorf("%s: with an empty setting, rows of %q are seen", table, got)
				}
				if try.role == "none" {
					if got := column[string](t, conn, `select tenant from botyard.`+table); len(got) > 0 {
						t.Errorf("%s: with nothing set, rows of %q are seen", table, got)
					}
				}
			}
		})
	}
}

// TestIsolation_wrongTenant runs each statement for a tenant without data, with arguments that name
// rows of tenant a. It checks that no statement reads or changes these rows.
func TestIsolation_wrongTenant(t *testing.T) {
	c := cluster(t)
	b, err := pgtest.PgBouncer(t.Context(), c)
	pgtest.Check(t, err)
	for _, try := range []struct {
		what string
		dsn  func(string) string
	}{{"direct", c.DSN}, {"pooler", b.DSN}} {
		t.Run(try.what, func(t *testing.T) {
			name := database(t)
			s := open(t, config(try.dsn(name)))
			settle(t, s, "a")
			running := begin(t, s, call("a", "c"))
			cid, seq, _ := parseFence(running.Started.Fence)
			ended := begin(t, s, call("a", "free"))
			commit(t, s, call("a", "free"), ended)
			free, _, _ := parseFence(ended.Started.Fence)
			super := connect(t, c.DSN(name))
			all := func() map[string][]string {
				dump := map[string][]string{}
				for _, table := range column[string](t, super, tablesOfTenants) {
					dump[table] = column[string](t, super, `select x::text from botyard.`+table+` as x where tenant = 'a' order by 1`)
				}
				return dump
			}
			before := all()
			one, none, now := []int64{1}, []string{""}, []time.Time{time.Now()}
			args := map[string][]any{
				"beginFast":   {"", "free", free, "u", `{}`, nil, "h", time.Minute, "other", false, []byte{0}, int32(1)},
				"tail":        {int64(10), int64(1 << 20), cid},
				"tailOf":      {int64(10), int64(1 << 20), "", "c", nil},
				"commitFast":  {"", "c", cid, seq, "succeeded", "", "[]", int32(1), nil, nil, []byte{0}},
				"begin":       {"", "c", "u", `{}`, nil, "h", time.Minute, "k", []byte("digest of k"), nil, false, []byte{0}, int32(1), int64(0)},
				"cursor":      {"", "store", int64(1000), cid},
				"cursorOf":    {"", "store", int64(1000), "c", nil},
				"branch":      {"", "copy", "u", "c", int64(0), false, int32(10)},
				"claim":       {"", nil, "store", "h2", time.Minute, int32(10), "all", int32(8)},
				"advance":     {"", "c", cid, time.Now(), "store", "holder", int64(7), []byte{}, nil, false, ""},
				"commit":      {"", "c", cid, seq, "succeeded", "", "[]", int32(1), nil, nil, []byte{0}},
				"unlink":      {"", nil, nil, nil, true},
				"sweep":       {"", nil, nil, int32(10)},
				"imports":     {"", "c", "u", one, one, []string{"succeeded"}, none, none, none, none, one, none, none, none, none, now, now, [][]byte{{}}, [][]byte{{}}, one, []bool{false}},
				"read":        {"", "c", int64(0), int64(10), int64(1 << 20), false, ""},
				"readAll":     {"", "c", int64(0), int64(10), int64(1 << 20), false, ""},
				"list":        {"", "", int64(10)},
				"listUser":    {"", "", int64(10), "u"},
				"listWrote":   {"", "", int64(10), "u"},
				"put":         {int64(2), "removed", "", []byte{}, "", "x", false, int64(100), "botyard", int64(32 << 20), int64(8)},
				"get":         {[]string{"a"}},
				"listTenants": {int64(1 << 20), "", int64(10)},
				"history":     {int64(1 << 20), int64(0), int64(10)},
				"changes":     {int64(0), int64(10)},
			}
			// want has the results of statements that return a row even for a tenant without data.
			// Every other statement must return no row.
			want := map[string]string{
				"begin": "started ", "commit": "stale", "unlink": "0", "sweep": "0 0 false", "imports": "done 1", "put": "conflict  0", "changes": "2 ",
				"cursor": "0   ", "cursorOf": "0   ", "branch": "missing", "claim": "       false false", "advance": "gone",
			}
			fields := reflect.TypeOf(s.calls)
			for i := range fields.NumField() {
				field := fields.Field(i).Name
				// These statements concern the holders of all tenants.
				if field == "renew" || field == "forget" {
					continue
				}
				if args[field] == nil {
					t.Errorf("%s is new, and this test does not know it", field)
					continue
				}
				sql := reflect.ValueOf(s.calls).Field(i).String()
				run := func(tenant string) ([]string, error) {
					var seen []string
					err := s.run(t.Context(), scope{tenant: tenant}, query{sql, args[field], func(rows pgx.Rows) error {
						for rows.Next() {
							values, err := rows.Values()
							if err != nil {
								return err
							}
							words := make([]string, len(values))
							for i, v := range values {
								if v != nil {
									words[i] = fmt.Sprint(v)
								}
							}
							seen = append(seen, strings.Join(words, " "))
						}
						return rows.Err()
					}})
					return seen, err
				}
				// Each statement runs for its own tenant, since the statements begin and imports
				// create rows.
				seen, err := run("b-" + field)
				if err != nil {
					t.Errorf("%s: %v", field, err)
				}
				got := strings.Join(seen, "; ")
				if got != want[field] && (want[field] == "" || !strings.HasPrefix(got, want[field])) || len(seen) > 1 {
					t.Errorf("%s with the wrong tenant answered %q; want %q", field, seen, want[field])
				}
				seen, err = run("")
				if err == nil && len(seen) > 0 && field != "changes" {
					t.Errorf("%s without a tenant answered %q", field, seen)
				}
			}
			if after := all(); !maps.EqualFunc(before, after, slices.Equal[[]string]) {
				t.Errorf("another tenant's statements changed\n%v\nto\n%v", before, after)
			}
			commit(t, s, call("a", "c"), running)
		})
	}
}

// TestIsolation_nothingStaysInConnection checks that a pipeline leaves no role, tenant or timeout
// set in its connection.
func TestIsolation_nothingStaysInConnection(t *testing.T) {
	cfg := config(cluster(t).DSN(database(t)))
	cfg.PoolSize, cfg.MaxOverflow = 1, 0
	s := open(t, cfg)
	settle(t, s, "a")
	if _, err := s.Commit(t.Context(), &storage.CommitRequest{Call: call("a", "c"), Fence: "1.99", State: storage.Failed}); err == nil {
		t.Error("a fence that never was is good")
	}
	var role, tenant, registry, timeout string
	err := s.pool.QueryRow(t.Context(), `select current_user, coalesce(current_setting('botyard.tenant', true), ''),
		coalesce(current_setting('botyard.registry', true), ''), current_setting('statement_timeout')`).Scan(&role, &tenant, &registry, &timeout)
	if err != nil || role == appRole || tenant != "" || registry != "" || timeout != "0" {
		t.Errorf("left are role %q, tenant %q, registry %q, timeout %q, %v", role, tenant, registry, timeout, err)
	}
}

// TestIsolation_concurrentTenants checks that 16 tenants see only their own conversations while
// they share a few connections of a pooler.
func TestIsolation_concurrentTenants(t *testing.T) {
	c := cluster(t)
	b, err := pgtest.PgBouncer(t.Context(), c)
	pgtest.Check(t, err)
	s := open(t, config(b.DSN(database(t))))
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			tenant := fmt.Sprint("tenant ", i)
			for n := range 20 {
				id := fmt.Sprint(tenant, " ", n)
				res, err := s.Begin(t.Context(), &storage.BeginRequest{Call: call(tenant, id), Messages: said(id), Holder: "h", Lease: time.Minute})
				if err != nil || res.Started == nil {
					t.Errorf("%+v, %v", res, err)
					return
				}
				page, err := s.List(t.Context(), &storage.ListRequest{Call: sdk.Call{Tenant: tenant}, Limit: 100})
				if err != nil || len(page.Conversations) != n+1 {
					t.Errorf("%s has %+v, %v; want %d", tenant, page, err, n+1)
					return
				}
				for _, c := range page.Conversations {
					if !strings.HasPrefix(c.ID, tenant+" ") {
						t.Errorf("%s is shown %q", tenant, c.ID)
					}
				}
			}
		})
	}
	wg.Wait()
}
