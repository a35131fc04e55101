package pgstore

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/botyard/botyard/pgtest"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// TestHostsStartTogether: several in each of several empty databases, whose one
// cluster has no role for them yet.
func TestHostsStartTogether(t *testing.T) {
	c := pgtest.For(t, pgtest.Options{NoSync: true, Own: true})
	b, err := pgtest.PgBouncer(t.Context(), c)
	pgtest.Check(t, err)
	const databases, hosts = 3, 4
	var wg sync.WaitGroup
	for d := range databases {
		name := fmt.Sprint("d", d)
		if err := c.CreateDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		dsn := c.DSN(name)
		if d == 0 {
			dsn = b.DSN(name)
		}
		for h := range hosts {
			s := open0(t, config(dsn), layouts)
			wg.Go(func() {
				res, err := s.Begin(t.Context(), &storage.BeginRequest{Call: call("t", fmt.Sprint(h)), Holder: "h", Lease: maxLease})
				if err != nil || res.Started == nil {
					t.Errorf("host %d of %s: %+v, %v", h, name, res, err)
				}
			})
		}
	}
	wg.Wait()
	for d := range databases {
		out, err := c.Exec(t.Context(), fmt.Sprint("d", d), "select version, oldest, (select count(*) from botyard.conversations) from botyard.layout")
		if want := fmt.Sprintf("%d|1|%d", len(layouts), hosts); err != nil || out != want {
			t.Errorf("database %d has %q, %v; want %q", d, out, err, want)
		}
	}
}

// open0 makes a Store that has not looked at its database.
func open0(t *testing.T, cfg Config, steps []layout) *Store {
	t.Helper()
	s, err := newStore(cfg, env(), steps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// next is a layout that a later version could have.
var next = layout{
	what: "rename commit, and have a note",
	up: `alter table @schema@.turns add column note text;
		create table @schema@.extra (tenant text primary key);
		alter function @schema@.commit_1 rename to commit_2;
		create function @schema@.commit_1(p_life text, p_id text, p_cid bigint, p_seq bigint, p_state text, p_reason text,
			p_replies json, p_count int, p_usage json, p_record json) returns table (kind text, number bigint, state text)
		language sql volatile as $$ select * from @schema@.commit_2(p_life, p_id, p_cid, p_seq, p_state, p_reason, p_replies, p_count, p_usage, p_record) $$`,
	finish: `drop function @schema@.commit_1`,
}

// TestUpgradeHostByHost has two versions of the plugin on one database, until the
// upgrade is finished.
func TestUpgradeHostByHost(t *testing.T) {
	c := cluster(t)
	name := database(t)
	old := open0(t, config(c.DSN(name)), layouts)
	first := begin(t, old, call("t", "c"))
	newer := slices.Concat(layouts, []layout{next})
	young := open0(t, config(c.DSN(name)), newer)
	young.calls.commit = strings.ReplaceAll(young.calls.commit, "commit_1", "commit_2")
	begin(t, young, call("t", "d")) // brings the layout
	out, err := c.Exec(t.Context(), name, "select version, oldest from botyard.layout")
	if want := fmt.Sprintf("%d|1", len(newer)); err != nil || out != want {
		t.Fatalf("the layout is %q, %v; want %q", out, err, want)
	}
	if n := commit(t, old, call("t", "c"), first); n != 1 {
		t.Errorf("the old version committed number %d", n)
	}
	late := open0(t, config(c.DSN(name)), layouts)
	if n := commit(t, young, call("t", "c"), begin(t, late, call("t", "c"))); n != 2 {
		t.Errorf("a turn of both versions has number %d", n)
	}
	if m, err := late.Migrate(t.Context(), storage.MigrateOptions{Contract: true}); err != nil || m.SchemaVersion != len(newer) || m.OldestVersion != len(layouts) || len(m.Steps) != len(layouts)-1 {
		t.Errorf("finishing what it does not know: %+v, %v", m, err)
	}

	running := begin(t, old, call("t", "c"))
	m, err := young.Migrate(t.Context(), storage.MigrateOptions{Contract: true})
	if err != nil || m.SchemaVersion != len(newer) || m.OldestVersion != len(newer) || len(m.Steps) == 0 {
		t.Fatalf("finish: %+v, %v", m, err)
	}
	if again, err := young.Migrate(t.Context(), storage.MigrateOptions{Contract: true}); err != nil || len(again.Steps) > 0 || again.OldestVersion != m.OldestVersion {
		t.Errorf("finish again: %+v, %v", again, err)
	}
	if n := commit(t, young, call("t", "c"), running); n != 3 {
		t.Errorf("after the upgrade the number is %d", n)
	}
	// The running one notices at its next statement that is gone; then it says why.
	req := &storage.CommitRequest{Call: call("t", "c"), Fence: running.Started.Fence, State: storage.Failed}
	if _, err := old.Commit(t.Context(), req); err == nil {
		t.Error("the old version goes on with what was taken away")
	}
	for _, s := range []*Store{old, open0(t, config(c.DSN(name)), layouts)} {
		_, err := s.Begin(t.Context(), &storage.BeginRequest{Call: call("t", "e"), Holder: "h", Lease: maxLease})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "upgrade") {
			t.Errorf("an old version after the upgrade: %v", err)
		}
	}
	if _, err := Open(t.Context(), config(c.DSN(name)), env()); !fault.Is(err, fault.Invalid) {
		t.Errorf("an old version's start: %v", err)
	}
}

// TestWritersOfOldPluginsAreKnown: what a plugin of the first layout wrote, and what it
// writes still, is emptied with its user as what the present one writes.
func TestWritersOfOldPluginsAreKnown(t *testing.T) {
	c := cluster(t)
	name := database(t)
	if _, err := open0(t, config(c.DSN(name)), layouts[:1]).Migrate(t.Context(), storage.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, c.DSN(name))
	old := func(conversation string, users ...string) {
		t.Helper()
		for _, user := range users {
			err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
				if _, err := tx.Exec(t.Context(), `select set_config('botyard.tenant', 't', true)`); err != nil {
					return err
				}
				_, err := tx.Exec(t.Context(), `select botyard.commit_1('', $1, b.cid, b.seq, 'succeeded', '', null, 0, null, null)
					from botyard.begin_1('', $1, $2, '{"role": "user", "parts": [{"text": "it is bob"}]}', null, 0, 'h', '1 s', null, null, null) as b`,
					conversation, user)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	old("before", "ann", "bob")
	old("alone", "bob", "bob")
	s := open(t, config(c.DSN(name)))
	begin(t, s, call("t", "another")) // brings the layout
	old("after", "ann", "bob")
	old("bob's", "bob", "ann")
	bob := call("t", "")
	bob.User = "bob"
	page, err := s.List(t.Context(), &storage.ListRequest{Call: bob, Limit: 10, Wrote: true})
	if err != nil || len(page.Conversations) != 4 {
		t.Errorf("what a user wrote before and after the upgrade: %+v, %v", page, err)
	}
	d, err := s.Delete(t.Context(), storage.Scope{Call: bob})
	if err != nil || d != (storage.Deleted{Conversations: 1, Turns: 2, Emptied: 3}) {
		t.Errorf("deleting the user: %+v, %v", d, err)
	}
	if out, err := c.Exec(t.Context(), name, "select string_agg(user_id || ' ' || (message is not null), ', ' order by user_id) from botyard.turns where cid > 0 and state = 'succeeded'"); err != nil ||
		out != " false,  false,  false, ann true, ann true, ann true" {
		t.Errorf("the turns that are left are of %q, %v", out, err)
	}
}

// byHand is what docs/databases.md has an operator make before the second layout.
func byHand(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/databases.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```sql\nset search_path = botyard;")
	text, _, found := strings.Cut(rest, "```")
	statements := strings.Split(strings.TrimSpace(text), "\n")[1:] // behind the comment
	if !found || len(statements) != 4 {
		t.Fatalf("the statements of the page are %q", statements)
	}
	return statements
}

// TestIndexesThatWereMadeBefore: an operator makes those of a large database while turns go
// on, and one that was made in vain is not taken for one that works.
func TestIndexesThatWereMadeBefore(t *testing.T) {
	c := cluster(t)
	const all = `select string_agg(indexdef, e'\n' order by indexdef) from pg_indexes where schemaname = 'botyard'`
	fresh := database(t)
	if _, err := open0(t, config(c.DSN(fresh)), layouts).Migrate(t.Context(), storage.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	want, err := c.Exec(t.Context(), fresh, all)
	if err != nil || !strings.Contains(want, "turns_by_guest") {
		t.Fatalf("%q, %v", want, err)
	}
	name := database(t)
	if _, err := open0(t, config(c.DSN(name)), layouts[:1]).Migrate(t.Context(), storage.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	// Of two equal keys, this is left and invalid.
	run := func(sql string) error { _, err := c.Exec(t.Context(), name, sql); return err }
	if err := run(`alter table botyard.conversations disable row level security; insert into botyard.conversations (tenant, life, id, cid, user_id, created, updated) overriding system value
		values ('t', '', 'a', 1, '', now(), now()), ('t', '', 'b', 1, '', now(), now())`); err != nil {
		t.Fatal(err)
	}
	if err := run(`create unique index concurrently conversations_by_cid on botyard.conversations (cid)`); err == nil {
		t.Fatal("two equal keys have a unique index")
	}
	if _, err := open0(t, config(c.DSN(name)), layouts).Migrate(t.Context(), storage.MigrateOptions{}); err == nil || !strings.Contains(err.Error(), "the index conversations_by_cid in the schema botyard of the database is invalid") {
		t.Errorf("with an invalid index: %v", err)
	}
	if err := run(`delete from botyard.conversations; drop index botyard.conversations_by_cid; alter table botyard.conversations enable row level security`); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, c.DSN(name))
	for _, sql := range append([]string{"set search_path = botyard"}, byHand(t)...) {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if _, err := open0(t, config(c.DSN(name)), layouts).Migrate(t.Context(), storage.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Exec(t.Context(), name, all); err != nil || got != want {
		t.Errorf("%v; the indexes are\n%s\nwant\n%s", err, got, want)
	}
}

// TestLogins start with what an administrator may have given them.
func TestLogins(t *testing.T) {
	c := pgtest.For(t, pgtest.Options{NoSync: true, Own: true}) // its roles are not shared
	for _, try := range []struct {
		name, sql string // of the login %[1]s and the database %[2]s
		role      string // that it works as, or
		refused   bool
	}{
		{"plain_alone", `create role %[1]s login; alter database %[2]s owner to %[1]s`, "none", false},
		{"bypass_alone", `create role %[1]s login bypassrls; alter database %[2]s owner to %[1]s`, "", true},
		{"no_schema", `create role %[1]s login`, "", true},
		{"maker", `create role %[1]s login createrole; alter database %[2]s owner to %[1]s`, appRole, false},
		{"plain_later", `create role %[1]s login; alter database %[2]s owner to %[1]s`, "none", false},
		{"given_schema", `create role %[1]s login; create schema botyard authorization %[1]s`, "none", false},
		{"member", `create role %[1]s login; alter database %[2]s owner to %[1]s; grant botyard_app to %[1]s`, appRole, false},
		{"bypass_member", `create role %[1]s login bypassrls; alter database %[2]s owner to %[1]s; grant botyard_app to %[1]s`, appRole, false},
	} {
		t.Run(try.name, func(t *testing.T) {
			if err := c.CreateDatabase(t.Context(), "d_"+try.name); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Exec(t.Context(), "d_"+try.name, fmt.Sprintf(try.sql, try.name, "d_"+try.name)); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), config(c.DSN("d_"+try.name)+" user="+try.name), env())
			if try.refused {
				if !fault.Is(err, fault.Invalid) || fault.Of(err).Path != "dsn" { // which names the user
					t.Errorf("%v; want it refused", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if b, err := s.ready(t.Context()); err != nil || b.role != try.role {
				t.Errorf("it works as %+v, %v; want %s", b, err, try.role)
			}
			settle(t, s, "t")
			commit(t, s, call("t", "c"), begin(t, s, call("t", "c")))
		})
	}
	// One that comes later, and may more: it does not run what the other may change, until
	// somebody who may says that this is fine.
	if s, err := Open(t.Context(), config(c.DSN("d_plain_alone")), env()); !fault.Is(err, fault.Invalid) || fault.Of(err).Path != "schema" {
		t.Errorf("%v, %v; want a superuser not to start in another login's schema", s, err)
	}
	if _, err := c.Exec(t.Context(), "", "grant plain_alone to postgres"); err != nil {
		t.Fatal(err)
	}
	super := open(t, config(c.DSN("d_plain_alone")))
	if b, err := super.ready(t.Context()); err != nil || b.role != appRole {
		t.Errorf("a superuser works as %+v, %v", b, err)
	}
	commit(t, super, call("t", "c"), begin(t, super, call("t", "c")))
	// A role that somebody made stronger is not worked as.
	if _, err := c.Exec(t.Context(), "", "alter role botyard_app bypassrls"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), config(c.DSN("d_maker")), env()); !fault.Is(err, fault.Invalid) {
		t.Errorf("with a role that bypasses row-level security: %v", err)
	}
}
