package sqlitestore

import (
	"database/sql"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/storage"
)

//go:embed testdata/schema-3.sql
var schema3 string

// ofSchema3 is the conversation in testdata/schema-3.sql.
var ofSchema3 = sdk.Call{Tenant: "t", Conversation: "c", User: "ann"}

// logOf returns the number and the texts of each turn.
func logOf(turns []storage.Turn) (all []string) {
	for _, t := range turns {
		line := fmt.Sprintf("%d", t.Number)
		for _, m := range t.Messages {
			line += " " + textOf(m)
		}
		all = append(all, line)
	}
	return all
}

func TestMigrate_fromSchema3(t *testing.T) {
	dir := t.TempDir()
	w := rawSession(t, filepath.Join(dir, "botyard.db"))
	if err := w.script(schema3); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "botyard.db"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, dir)
	want := []string{"1 one eins", "2 two   zwei", "3 three drei"}
	for range 2 { // before and after the contraction
		if got := logOf(succeeded(t, s, ofSchema3)); !reflect.DeepEqual(got, want) {
			t.Errorf("the log is %q; want %q", got, want)
		}
		if _, err := s.Migrate(t.Context(), storage.MigrateOptions{Contract: true}); err != nil {
			t.Fatal(err)
		}
	}
	ofSchema3 := func(r *storage.BeginRequest) { r.Call = ofSchema3 }
	res := begin(t, s, ofSchema3, retracting(2))
	if got := logOf(res.Started.Tail); !reflect.DeepEqual(got, want[:1]) || res.Started.Sequence != 5 {
		t.Errorf("the tail of turn %d after the retraction is %q", res.Started.Sequence, got)
	}
	running := begin(t, s, ofSchema3, func(r *storage.BeginRequest) { r.Call.Conversation = "running" }).Started
	if running == nil || running.Sequence != 2 || running.Incarnation == "" || running.Incarnation == res.Started.Incarnation {
		t.Errorf("after a turn that the old plugin left: %+v", running)
	}
}

// retracting lets a Begin retract turns.
func retracting(from int64) func(*storage.BeginRequest) {
	return func(r *storage.BeginRequest) { r.RetractFrom = from }
}

// schema3Plugin sends the statements of the plugin of schema version 3.
type schema3Plugin struct{ schema2Plugin }

// tail returns the numbers of the turns that a Begin of the plugin returns.
func (p schema3Plugin) tail(name string) (numbers []int) {
	p.t.Helper()
	err := p.w.each(func(rows *sql.Rows) (bool, error) {
		var n int
		err := rows.Scan(&n)
		numbers = append(numbers, n)
		return true, err
	}, `SELECT t.number FROM turns t WHERE conversation = (SELECT id FROM conversations WHERE name = ? AND deleted_at IS NULL) AND state = 'succeeded' AND sequence < ?
		AND message IS NOT NULL ORDER BY sequence DESC LIMIT ?`, name, 1000, 100)
	if err != nil {
		p.t.Fatal(err)
	}
	return numbers
}

// unlink deletes the conversation.
func (p schema3Plugin) unlink(name string) {
	p.t.Helper()
	p.exec(`UPDATE conversations SET deleted_at = ? WHERE id IN (SELECT c.id `+liveConversations+` AND c.name = ? LIMIT ?)`, 1, call.Tenant, "", name, 1000)
}

// TestMigrate_retractedBesideSchema3 checks that the plugin of schema version 3 leaves retracted turns
// out, and does not use their numbers again.
func TestMigrate_retractedBesideSchema3(t *testing.T) {
	s := openStore(t, t.TempDir())
	for range 3 {
		end(t, s, begin(t, s))
	}
	end(t, s, begin(t, s, retracting(2))) // number 4
	old := schema3Plugin{schema2Plugin{t, rawSession(t, s.path)}}
	if got := old.tail(call.Conversation); !reflect.DeepEqual(got, []int{4, 1}) {
		t.Errorf("the tail of the old plugin has the turns %v; want 4 and 1", got)
	}
	old.begin(call.Conversation, call.User, `{"role":"user","parts":[{"text":"old"}]}`)
	old.commit(call.Conversation, `[]`)
	page, err := s.Read(t.Context(), &storage.ReadRequest{Call: call, Limit: 10, All: true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, turn := range page.Turns {
		got = append(got, fmt.Sprint(turn.Number, turn.State, turn.Retracted, turn.RetractFrom))
	}
	want := []string{"1 succeeded false 0", "2 succeeded true 0", "3 succeeded true 0", "4 succeeded false 2", "5 succeeded false 0"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the log is %q; want %q", got, want)
	}
}

// TestMigrate_cursorsBesideSchema3 checks that cursors see what the plugin of schema version 3 does.
func TestMigrate_cursorsBesideSchema3(t *testing.T) {
	s := openStore(t, t.TempDir())
	end(t, s, begin(t, s))
	old := schema3Plugin{schema2Plugin{t, rawSession(t, s.path)}}
	turnsOf(t, s, "shared", call.User, "guest")
	claimed := claimAll(t, s, "h")
	if len(claimed) != 2 {
		t.Fatalf("claimed %+v; want two conversations", claimed)
	}
	for _, k := range claimed {
		advance(t, s, k, "h", 2)
	}
	if again := claimAll(t, s, "h"); len(again) != 0 {
		t.Errorf("claimed %+v although nothing is behind", again)
	}
	for range 2 {
		old.begin(call.Conversation, call.User, `{}`)
		old.commit(call.Conversation, `[]`)
	}
	behind := claimAll(t, s, "h")
	if len(behind) != 1 || behind[0].Conversation != call.Conversation || behind[0].Sequence != 2 {
		t.Errorf("after a turn of the old plugin: %+v", behind)
	}
	old.empty("shared", "guest")
	old.unlink(call.Conversation)
	forgets := claimAll(t, s, "h")
	if len(forgets) != 2 {
		t.Fatalf("after deletions by the old plugin: %+v", forgets)
	}
	for _, f := range forgets {
		if want := map[string]string{"shared": "guest", call.Conversation: ""}[f.Conversation]; !f.Forget || f.User != want || f.Incarnation == "" {
			t.Errorf("to be forgotten: %+v", f)
		}
	}
	old.exec("UPDATE lives SET deleted_at = ? WHERE tenant = ? AND incarnation = ? AND deleted_at IS NULL", time.Now().UnixNano(), call.Tenant, "")
	if all := claimAll(t, s, "h"); len(all) != 1 || all[0].Conversation != "" || !all[0].Forget {
		t.Errorf("after the deletion of the tenant: %+v", all)
	}
}
