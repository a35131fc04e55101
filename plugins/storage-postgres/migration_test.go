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

// TestMigrate_hostsStartTogether checks that several hosts can start at the same time on several
// empty databases of one cluster. The role botyard_app does not exist in the cluster at the start.
func TestMigrate_hostsStartTogether(t *testing.T) {
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
			s := open0(t, config(dsn), migrations)
			wg.Go(func() {
				res, err := s.Begin(t.Context(), &storage.BeginRequest{Call: call("t", fmt.Sprint(h)), Messages: said("hi"), Holder: "h", Lease: maxLease})
				if err != nil || res.Started == nil {
					t.Errorf("host %d of %s: %+v, %v", h, name, res, err)
				}
			})
		}
	}
	wg.Wait()
	for d := range databases {
		out, err := c.Exec(t.Context(), fmt.Sprint("d", d), "select version, oldest, (select count(*) from botyard.conversations) from botyard.layout")
		if want := fmt.Sprintf("%d|1|%d", len(migrations), hosts); err != nil || out != want {
			t.Errorf("database %d has %q, %v; want %q", d, out, err, want)
		}
	}
}

// open0 returns a Store that has not inspected its database yet. The Store knows the given
// migrations.
func open0(t *testing.T, cfg Config, steps []migration) *Store {
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

// next is an example of a migration that a later version of the plugin could have.
var next = migration{
	what: "rename commit, and have a note",
	expand: `alter table @schema@.turns add column note text;
		create table @schema@.extra (tenant text primary key);
		alter function @schema@.commit_2 rename to commit_3;
		create function @schema@.commit_2(p_life text, p_id text, p_cid bigint, p_seq bigint, p_state text, p_reason text,
			p_replies json, p_count int, p_usage json, p_record json, p_reply_bodies bytea) returns table (kind text, number bigint, state text)
		language sql volatile as $$ select * from @schema@.commit_3(p_life, p_id, p_cid, p_seq, p_state, p_reason, p_replies, p_count, p_usage, p_record, p_reply_bodies) $$`,
	contract: `drop function @schema@.commit_2`,
}

// TestMigrate_hostByHost checks that two versions of the plugin can use one database until the
// newer version contracts the database.
func TestMigrate_hostByHost(t *testing.T) {
	c := cluster(t)
	name := database(t)
	old := open0(t, config(c.DSN(name)), migrations)
	first := begin(t, old, call("t", "c"))
	newer := slices.Concat(migrations, []migration{next})
	young := open0(t, config(c.DSN(name)), newer)
	young.calls.commit = strings.ReplaceAll(young.calls.commit, "commit_2", "commit_3")
	begin(t, young, call("t", "d")) // the first call migrates the database
	out, err := c.Exec(t.Context(), name, "select version, oldest from botyard.layout")
	if want := fmt.Sprintf("%d|1", len(newer)); err != nil || out != want {
		t.Fatalf("the schema version is %q, %v; want %q", out, err, want)
	}
	if n := commit(t, old, call("t", "c"), first); n != 1 {
		t.Errorf("the old version committed number %d", n)
	}
	late := open0(t, config(c.DSN(name)), migrations)
	if n := commit(t, young, call("t", "c"), begin(t, late, call("t", "c"))); n != 2 {
		t.Errorf("a turn of both versions has number %d", n)
	}
	if m, err := late.Migrate(t.Context(), storage.MigrateOptions{Contract: true}); err != nil || m.SchemaVersion != len(newer) || m.OldestVersion != len(migrations) || len(m.Steps) != len(migrations)-1 {
		t.Errorf("contracting what it does not know: %+v, %v", m, err)
	}

	running := begin(t, old, call("t", "c"))
	m, err := young.Migrate(t.Context(), storage.MigrateOptions{Contract: true})
	if err != nil || m.SchemaVersion != len(newer) || m.OldestVersion != len(newer) || len(m.Steps) == 0 {
		t.Fatalf("contract: %+v, %v", m, err)
	}
	if again, err := young.Migrate(t.Context(), storage.MigrateOptions{Contract: true}); err != nil || len(again.Steps) > 0 || again.OldestVersion != m.OldestVersion {
		t.Errorf("contract again: %+v, %v", again, err)
	}
	if n := commit(t, young, call("t", "c"), running); n != 3 {
		t.Errorf("after the upgrade the number is %d", n)
	}
	// The running Store of the old version fails when it calls a function that was removed. Its
	// later calls return a fault that tells the operator to upgrade the plugin.
	req := &storage.CommitRequest{Call: call("t", "c"), Fence: running.Started.Fence, State: storage.Failed}
	if _, err := old.Commit(t.Context(), req); err == nil {
		t.Error("the old version goes on with what was taken away")
	}
	for _, s := range []*Store{old, open0(t, config(c.DSN(name)), migrations)} {
		_, err := s.Begin(t.Context(), &storage.BeginRequest{Call: call("t", "e"), Messages: said("hi"), Holder: "h", Lease: maxLease})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "upgrade") {
			t.Errorf("an old version after the upgrade: %v", err)
		}
	}
	if _, err := Open(t.Context(), config(c.DSN(name)), env()); !fault.Is(err, fault.Invalid) {
		t.Errorf("an old version's start: %v", err)
	}
}

// TestMigrate_writersOfOldPlugins checks that the deletion of a user also empties turns that a
// plugin of schema version 1 wrote before or after the migration.
func TestMigrate_writersOfOldPlugins(t *testing.T) {
	c := cluster(t)
	name := database(t)
	if _, err := open0(t, config(c.DSN(name)), migrations[:1]).Migrate(t.Context(), storage.MigrateOptions{}); err != nil {
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
	begin(t, s, call("t", "another")) // the first call migrates the database
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

// byHand returns the SQL of docs/databases.md that creates the indexes of schema version 2. An
// operator runs this SQL before the migration.
func byHand(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/databases.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```sql\nset search_path = botyard;")
	text, _, found := strings.Cut(rest, "```")
	statements := strings.Split(strings.TrimSpace(text), "\n")[1:] // the first line is a comment
	if !found || len(statements) != 6 {
		t.Fatalf("the statements of the page are %q", statements)
	}
	return statements
}

// TestMigrate_indexesMadeBefore checks that an operator can create the indexes of schema versions 2 and 4
// before the migration. It also checks that the migration refuses a database with an invalid index.
func TestMigrate_indexesMadeBefore(t *testing.T) {
	c := cluster(t)
	const all = `select string_agg(indexdef, e'\n' order by indexdef) from pg_indexes where schemaname = 'botyard'`
	fresh := database(t)
	if _, err := open0(t, config(c.DSN(fresh)), migrations).Migrate(t.Context(), storage.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	want, err := c.Exec(t.Context(), fresh, all)
	if err != nil || !strings.Contains(want, "turns_by_guest") {
		t.Fatalf("%q, %v", want, err)
	}
	name := database(t)
	if _, err := open0(t, config(c.DSN(name)), migrations[:1]).Migrate(t.Context(), storage.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	// Two rows with the same key make the creation of the unique index fail. PostgreSQL then leaves
	// an invalid index.
	run := func(sql string) error { _, err := c.Exec(t.Context(), name, sql); return err }
	if err := run(`alter table botyard.conversations disable row level security; insert into botyard.conversations (tenant, life, id, cid, user_id, created, updated) overriding system value
		values ('t', '', 'a', 1, '', now(), now()), ('t', '', 'b', 1, '', now(), now())`); err != nil {
		t.Fatal(err)
	}
	if err := run(`create unique index concurrently conversations_by_cid on botyard.conversations (cid)`); err == nil {
		t.Fatal("two equal keys have a unique index")
	}
	if _, err := open0(t, config(c.DSN(name)), migrations).Migrate(t.Context(), storage.MigrateOptions{}); err == nil || !strings.Contains(err.Error(), "the index conversations_by_cid in the schema botyard of the database is invalid") {
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
	if _, err := open0(t, config(c.DSN(name)), migrations).Migrate(t.Context(), storage.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Exec(t.Context(), name, all); err != nil || got != want {
		t.Errorf("%v; the indexes are\n%s\nwant\n%s", err, got, want)
	}
}
