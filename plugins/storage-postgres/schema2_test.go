package pgstore

import (
	_ "embed"
	"reflect"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

//go:embed testdata/schema-2.sql
var schema2 string

// ofSchema2 is the conversation in testdata/schema-2.sql, and schema2Turns are the messages of its
// succeeded turns.
var (
	ofSchema2    = sdk.Call{Tenant: "t", Conversation: "c", User: "ann"}
	schema2Turns = [][]chat.Message{
		{chat.Text(chat.User, "What is <this> & \u00fc?"), chat.Text(chat.Assistant, "A cat.")},
		{
			{Role: chat.User, Parts: []chat.Part{{Text: "look"}, {Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte{0, 1, 255}}}}},
			{Role: chat.Assistant, Parts: []chat.Part{
				{Reasoning: &chat.Reasoning{Text: "hm"}, State: &chat.ProviderState{Maker: "m", Data: []byte{1, 2}}},
				{ToolCall: &chat.ToolCall{ID: "1", Name: "find", Arguments: "{}"}}}},
			{Role: chat.Tool, Parts: []chat.Part{{ToolResult: &chat.ToolResult{ToolCallID: "1", Parts: []chat.Part{{Text: "found"}}}}}},
			chat.Text(chat.Assistant, "Seen."),
		},
		{chat.Text(chat.User, "of bob"), chat.Text(chat.Assistant, "to bob")},
		{
			{Role: chat.User, Parts: []chat.Part{{Text: "old"}, {Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte{0, 1, 255}}}}},
			{Role: chat.Assistant, Parts: []chat.Part{{Reasoning: &chat.Reasoning{Text: "hm"}, State: &chat.ProviderState{Data: []byte{1, 2}}}, {Text: "Old."}}},
		},
	}
)

// bodies returns the messages as a storage returns them.
func bodies(messages ...chat.Message) []storage.Message {
	out := storage.EncodeMessages(messages...)
	for i := range out {
		out[i].Text = ""
	}
	return out
}

func TestMigrate_fromSchema2(t *testing.T) {
	c := cluster(t)
	name := database(t)
	if _, err := open0(t, config(c.DSN(name)), migrations[:2]).Migrate(t.Context(), storage.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(t.Context(), name, schema2); err != nil {
		t.Fatal(err)
	}
	s := open(t, config(c.DSN(name)))
	for range 2 { // before and after the contraction
		page, err := s.Read(t.Context(), &storage.ReadRequest{Call: ofSchema2, Limit: 100})
		if err != nil || len(page.Turns) != len(schema2Turns) {
			t.Fatalf("%+v, %v; want %d turns", page, err, len(schema2Turns))
		}
		var all []storage.Message
		for i, turn := range page.Turns {
			want := bodies(schema2Turns[i]...)
			if !reflect.DeepEqual(turn.Messages, want) {
				t.Errorf("turn %d has %q; want %q", i+1, turn.Messages, want)
			}
			all = append(all, want...)
		}
		if u, err := storage.DecodeUsage(page.Turns[0].Usage); err != nil || !u.Equal(chat.Usage{InputTokens: 7, OutputTokens: 3, CachedInputTokens: 2, ReasoningTokens: 1}) {
			t.Errorf("usage %s, %v", page.Turns[0].Usage, err)
		}
		res, err := s.Begin(t.Context(), &storage.BeginRequest{Call: ofSchema2, Tail: 100, Messages: said("hi"), Holder: "h", Lease: time.Minute, Attempt: "a"})
		if err != nil || !reflect.DeepEqual(messagesOf(res.Started.Tail), all) {
			t.Fatalf("the tail is %q, %v; want %q", messagesOf(res.Started.Tail), err, all)
		}
		if _, err := s.Commit(t.Context(), &storage.CommitRequest{Call: ofSchema2, Fence: res.Started.Fence, State: storage.Failed}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Migrate(t.Context(), storage.MigrateOptions{Contract: true}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMigrate_besideSchema2 lets the plugin of schema version 2, whose functions the test calls, and
// this plugin write the turns of one conversation, and halves of one turn each.
func TestMigrate_besideSchema2(t *testing.T) {
	c := cluster(t)
	name := database(t)
	s := open(t, config(c.DSN(name)))
	at := ofSchema2
	commit(t, s, at, begin(t, s, at)) // turn 1, of this plugin
	conn := connect(t, c.DSN(name))
	old := func(into []any, sql string, args ...any) {
		t.Helper()
		err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), `select set_config('botyard.tenant', 't', true)`); err != nil {
				return err
			}
			return tx.QueryRow(t.Context(), sql, args...).Scan(into...)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	const (
		beginOld = `select cid, seq from botyard.begin_2('', 'c', 'ann', '{"role":"user","parts":[{"text":"old question"}]}', null, 0, 'h', '1 min', null, null, 'old', true)`
		end      = `select number from botyard.commit_1('', 'c', $1, $2, 'succeeded', '', '[{"role":"assistant","parts":[{"text":"old answer"}]}]', 1, '{"output_tokens": 6}', null)`
		tailOld  = `select string_agg(message::text || replies::text, ' ' order by seq) from botyard.turns where number is not null and message is not null`
	)
	var cid, seq, number int64
	old([]any{&cid, &seq}, beginOld) // turn 2, of the old plugin
	old([]any{&number}, end, cid, seq)
	res := begin(t, s, at) // turn 3, begun by this plugin and ended by the old one
	old([]any{&number}, end, cid, res.Started.Sequence)
	if number != 3 {
		t.Errorf("the old plugin ended turn %d", number)
	}
	old([]any{&cid, &seq}, beginOld) // turn 4, begun by the old plugin and ended by this one
	if n := commit(t, s, at, &storage.BeginResult{Started: &storage.Started{Fence: fence(cid, seq)}}); n != 4 {
		t.Errorf("this plugin ended turn %d", n)
	}
	page, err := s.Read(t.Context(), &storage.ReadRequest{Call: at, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, turn := range page.Turns {
		for _, m := range turn.Messages {
			got = append(got, textOf(m))
		}
	}
	want := []string{"hi", "hello", "old question", "old answer", "hi", "old answer", "old question", "hello"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the log has %q; want %q", got, want)
	}
	var read string
	old([]any{&read}, tailOld)
	const hi, hello = `{"role":"user","parts":[{"text":"hi"}]}`, `[{"role":"assistant","parts":[{"text":"hello"}]}]`
	const question, answer = `{"role":"user","parts":[{"text":"old question"}]}`, `[{"role":"assistant","parts":[{"text":"old answer"}]}]`
	if want := hi + hello + " " + question + answer + " " + hi + answer + " " + question + hello; read != want {
		t.Errorf("the old plugin reads %s; want %s", read, want)
	}
	// Another user's turn keeps the conversation, so that the deletion empties the turns.
	guest := at
	guest.User = "bob"
	commit(t, s, guest, begin(t, s, guest))
	old([]any{&number}, `select botyard.unlink_2('', null, 'ann', null, false)`)
	var left int
	old([]any{&left}, `select count(*) from botyard.turns where user_id = '' and (body is not null or reply_bodies is not null)`)
	if number != 4 || left != 0 {
		t.Errorf("the old plugin emptied %d turns, and %d of them have bodies", number, left)
	}
}
