package pgstore

import (
	_ "embed"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

//go:embed testdata/schema-3.sql
var schema3 string

// TestMigrate_fromSchema3 checks that the recorded database of schema version 3 is read as it was
// written, and that its turns are retracted, branched and followed.
func TestMigrate_fromSchema3(t *testing.T) {
	c := cluster(t)
	name := database(t)
	if _, err := open0(t, config(c.DSN(name)), migrations[:3]).Migrate(t.Context(), storage.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), name, schema3); err != nil {
		t.Fatal(err)
	}
	s := open(t, config(c.DSN(name)))
	for range 2 { // before and after the contraction
		turns := read(t, s, ofSchema2, false)
		if len(turns) != 3 {
			t.Fatalf("%+v", turns)
		}
		for i, turn := range turns {
			if want := bodies(schema2Turns[i]...); !reflect.DeepEqual(turn.Messages, want) {
				t.Errorf("turn %d has %q; want %q", i+1, turn.Messages, want)
			}
		}
		if turns[0].Key != "k" || string(turns[0].Metadata) != `{"from": "web"}` || string(turns[0].Record) != `{"model": "m"}` {
			t.Errorf("%+v", turns[0])
		}
		if _, err := s.Migrate(t.Context(), storage.MigrateOptions{Contract: true}); err != nil {
			t.Fatal(err)
		}
	}
	wantIDs(t, "recorded", claim(t, s, "t"), "c")
	if res, err := s.Branch(t.Context(), &storage.BranchRequest{Call: call("t", "b"), Source: "c", Through: 2}); err != nil || res.Turns != 2 {
		t.Errorf("%+v, %v", res, err)
	}
	res := begin(t, s, ofSchema2, retracting(2))
	if got := numbersOf(res.Started.Tail); !reflect.DeepEqual(got, []int64{1}) {
		t.Errorf("after a retraction the tail has %v", got)
	}
	if n := commit(t, s, ofSchema2, res); n != 4 {
		t.Errorf("the next turn has number %d", n)
	}
}

// schema3Plugin runs statements of the plugin of schema version 3 for the tenant t.
type schema3Plugin struct {
	*testing.T
	conn *pgx.Conn
}

func (p schema3Plugin) run(into []any, sql string, args ...any) {
	p.Helper()
	err := pgx.BeginFunc(p.Context(), p.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(p.Context(), setting, appRole, "t", "10000"); err != nil {
			return err
		}
		return tx.QueryRow(p.Context(), sql, args...).Scan(into...)
	})
	if err != nil {
		p.Fatal(err)
	}
}

// The statements of the plugin of schema version 3. beginFast3 and commitFast3 are those of its fast path.
const (
	begin3     = `select cid, seq from botyard.begin_3('', 'c', 'ann', '{"role":"user","parts":[{"text":"old"}]}', null, 'h', '1 min', null, null, 'old', true, '\x00')`
	replay3    = `select kind, number from botyard.begin_3('', 'c', 'ann', '{}', null, 'h', '1 min', 'k', '\x64', 'again', true, '\x00')`
	commit3    = `select kind, number from botyard.commit_2('', 'c', $1, $2, 'succeeded', '', '[]', 1, null, null, '\x00')`
	beginFast3 = `with c as (
			update botyard.conversations set last_seq = last_seq + 1, running_seq = last_seq + 1, running_attempt = 'old',
				running_holder = 'h', running_until = clock_timestamp() + '1 min'::interval, updated = greatest(clock_timestamp(), updated)
			where tenant = 't' and life = '' and id = 'c' and cid = $1 and running_seq is null
			returning tenant, cid, last_seq, updated, user_id
		)
		insert into botyard.turns (tenant, cid, seq, state, user_id, message, messages, metadata, started, guest, body)
		select tenant, cid, last_seq, 'running', 'ann', '{"role":"user","parts":[{"text":"old"}]}', 1, null, updated, false, '\x00' from c returning seq`
	commitFast3 = `with c as (
			update botyard.conversations set running_seq = null, running_attempt = null, running_holder = null, running_until = null,
				last_number = last_number + 1, updated = greatest(clock_timestamp(), updated)
			where tenant = 't' and life = '' and id = 'c' and cid = $1 and running_seq = $2
			returning last_number as number, updated
		)
		update botyard.turns set state = 'succeeded', number = c.number, reason = '', replies = '[]', messages = messages + 1, reply_bodies = '\x00', ended = c.updated
		from c where cid = $1 and seq = $2 returning c.number`
	tail3   = `select coalesce(array_agg(number order by seq), '{}') from botyard.turns where cid = $1 and number is not null`
	import3 = `select kind, added from botyard.import_3('', $1, 'ann', '{1,2}', '{1,2}', '{succeeded,succeeded}', '{"",""}', '{ann,ann}', '{"{}","{}"}', '{"",""}', '{1,1}', '{"",""}',
			'{"",""}', '{"",""}', '{"",""}', '{2026-01-01,2026-01-01}', '{2026-01-01,2026-01-01}', '{"\\x00","\\x00"}', '{"",""}')`
)

// TestMigrate_besideSchema3 lets the plugin of schema version 3 write beside this plugin in a conversation
// with retracted turns and with cursors.
func TestMigrate_besideSchema3(t *testing.T) {
	c := cluster(t)
	name := database(t)
	s := open(t, config(c.DSN(name)))
	at := ofSchema2
	turn(t, s, at, func(r *storage.BeginRequest) { r.Key, r.Digest = "k", []byte("d") })
	turn(t, s, at)
	turn(t, s, at, retracting(2))
	retracted := begin(t, s, at, retracting(1))
	commit(t, s, at, retracted) // number 4 is the only one that is left
	cursor := claim(t, s, "t").Claimed[0]
	advanced(t, s, cursor, 4)
	old := schema3Plugin{t, connect(t, c.DSN(name))}
	var kind string
	var cid, seq, number int64
	var numbers []int64
	old.run([]any{&kind, &number}, replay3)
	if kind != "replay" || number != 1 {
		t.Errorf("the old plugin gets %s %d for the key of a retracted turn", kind, number)
	}
	old.run([]any{&cid, &seq}, begin3)
	old.run([]any{&kind, &number}, commit3, cid, seq)
	if kind != "done" || number != 5 {
		t.Errorf("the old plugin ended its turn as %s %d", kind, number)
	}
	old.run([]any{&kind, &number}, commit3, cid, int64(2))
	if kind != "done" || number != 2 {
		t.Errorf("the old plugin repeats the end of a retracted turn as %s %d", kind, number)
	}
	wantIDs(t, "after a turn of the old plugin", claim(t, s, "t"), "c")
	advanced(t, s, cursor, seq)
	old.run([]any{&seq}, beginFast3, cid)
	old.run([]any{&number}, commitFast3, cid, seq)
	if number != 6 {
		t.Errorf("on its fast path the old plugin ended turn %d", number)
	}
	wantIDs(t, "after its fast path", claim(t, s, "t"), "c")
	old.run([]any{&numbers}, tail3, cid)
	if want := []int64{4, 5, 6}; !reflect.DeepEqual(numbers, want) {
		t.Errorf("the old plugin sees %v; want %v", numbers, want)
	}
	turn(t, s, at, retracting(5))
	old.run([]any{&seq}, beginFast3, cid) // begun by the old plugin, ended by this one
	if n := commit(t, s, at, &storage.BeginResult{Started: &storage.Started{Fence: fence(cid, seq)}}); n != 8 {
		t.Errorf("this plugin ended turn %d", n)
	}
	if got := numbersOf(read(t, s, at, true)); !reflect.DeepEqual(got, []int64{-1, -2, -3, 4, -5, -6, 7, 8}) {
		t.Errorf("the turns are %v", got)
	}
	for _, try := range []struct {
		id, kind string
		added    int64
	}{{"c", "done", 0}, {"new", "done", 2}} {
		if old.run([]any{&kind, &number}, import3, try.id); kind != try.kind || number != try.added {
			t.Errorf("the old plugin imports into %s: %s %d", try.id, kind, number)
		}
	}
}

// TestMigrate_oldDeletions checks that deletions by plugins of earlier schema versions leave what must be forgotten.
func TestMigrate_oldDeletions(t *testing.T) {
	for what, try := range map[string]struct {
		sql  string
		want []string
	}{
		"a conversation, version 1": {`select botyard.unlink_1('', 'a', null, null, false)`, []string{"-a", "b"}},
		"a conversation, version 3": {`select botyard.unlink_2('', 'a', null, null, false)`, []string{"-a", "b"}},
		"a user":                    {`select botyard.unlink_2('', null, 'ann', null, false)`, []string{"-a of ann", "-b", "a"}},
		"retention":                 {`select botyard.unlink_2('', null, null, now() + '1 hour', false)`, []string{"-a", "-b"}},
		"a tenant, version 1":       {`select botyard.unlink_1('', null, null, null, true)`, []string{"-"}},
		"a tenant, version 3":       {`select botyard.unlink_2('', null, null, null, true)`, []string{"-"}},
	} {
		t.Run(what, func(t *testing.T) {
			c := cluster(t)
			name := database(t)
			s := open(t, config(c.DSN(name)))
			for _, at := range []string{"a ann", "a bob", "b ann"} {
				id, user, _ := strings.Cut(at, " ")
				turn(t, s, sdk.Call{Tenant: "t", Conversation: id, User: user})
			}
			wantIDs(t, "before", claim(t, s, "t"), "a", "b")
			var n int64
			schema3Plugin{t, connect(t, c.DSN(name))}.run([]any{&n}, try.sql)
			wantIDs(t, "after", claim(t, s, "t"), try.want...)
		})
	}
}

// TestMigrate_severalMessages checks what plugins of schema version 2 read of a turn that began with several messages.
func TestMigrate_severalMessages(t *testing.T) {
	c := cluster(t)
	name := database(t)
	s := open(t, config(c.DSN(name)))
	at := call("t", "c")
	res := begin(t, s, at, func(r *storage.BeginRequest) { r.Messages = said("one", "", "two") })
	commit(t, s, at, res)
	var text string
	var messages int
	schema3Plugin{t, connect(t, c.DSN(name))}.run([]any{&text, &messages}, `select message::text, messages from botyard.turns`)
	if want := `{"role":"user","parts":[{"text":"one\n\ntwo"}]}`; text != want || messages != 4 {
		t.Errorf("%s and %d messages; want %s", text, messages, want)
	}
	if got := begin(t, s, at, func(r *storage.BeginRequest) { r.Lease = time.Minute }).Started.Tail; len(got) != 1 || len(got[0].Messages) != 4 {
		t.Errorf("%+v", got)
	}
}
