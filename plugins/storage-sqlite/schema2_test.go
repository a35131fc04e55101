package sqlitestore

import (
	_ "embed"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
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

// writeSchema2 makes the file of testdata/schema-2.sql in the folder.
func writeSchema2(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "botyard.db")
	w := rawSession(t, path)
	if err := w.script(schema2); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

// rawSession opens the file without a Store.
func rawSession(t *testing.T, path string) *session {
	t.Helper()
	isNew := isMissing(path)
	w, err := connect(path, writerPragmas)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.close() })
	if isNew {
		// Each plugin makes its database so. Without the write-ahead log a reader holds up a commit.
		if err := w.script("PRAGMA journal_mode = WAL"); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func succeeded(t *testing.T, s *Store, call sdk.Call) []storage.Turn {
	t.Helper()
	page, err := s.Read(t.Context(), &storage.ReadRequest{Call: call, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return page.Turns
}

func TestMigrate_fromSchema2(t *testing.T) {
	dir := t.TempDir()
	writeSchema2(t, dir)
	s := openStore(t, dir)
	for range 2 { // before and after the contraction
		turns := succeeded(t, s, ofSchema2)
		if len(turns) != len(schema2Turns) {
			t.Fatalf("%d turns; want %d", len(turns), len(schema2Turns))
		}
		var all []storage.Message
		for i, turn := range turns {
			want := storage.EncodeMessages(schema2Turns[i]...)
			for n := range want {
				want[n].Text = ""
			}
			if !reflect.DeepEqual(turn.Messages, want) {
				t.Errorf("turn %d has %q; want %q", i+1, turn.Messages, want)
			}
			all = append(all, want...)
		}
		if u, err := storage.DecodeUsage(turns[0].Usage); err != nil || !u.Equal(chat.Usage{InputTokens: 7, OutputTokens: 3, CachedInputTokens: 2, ReasoningTokens: 1}) {
			t.Errorf("usage %s, %v", turns[0].Usage, err)
		}
		res, err := s.Begin(t.Context(), &storage.BeginRequest{Call: ofSchema2, Messages: hi, Tail: 100, Holder: "h", Lease: time.Minute, Attempt: "a"})
		if err != nil || !reflect.DeepEqual(messagesOf(res.Started.Tail), all) {
			t.Fatalf("the tail is %+v, %v; want %q", res, err, all)
		}
		if _, err := s.Commit(t.Context(), &storage.CommitRequest{Call: ofSchema2, Fence: res.Started.Fence, State: storage.Failed}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Migrate(t.Context(), storage.MigrateOptions{Contract: true}); err != nil {
			t.Fatal(err)
		}
	}
}

// schema2Plugin sends the statements of the plugin of schema version 2.
type schema2Plugin struct {
	t *testing.T
	w *session
}

func (p schema2Plugin) exec(query string, args ...any) {
	p.t.Helper()
	if err := retryBusy(func() error { _, err := p.w.exec(query, args...); return err }); err != nil {
		p.t.Fatal(err)
	}
}

// begin starts a turn in the conversation with this name, which exists.
func (p schema2Plugin) begin(name, user, message string) {
	p.t.Helper()
	p.exec(`INSERT INTO turns (conversation, sequence, state, user, started_at, fence, key, digest, messages, metadata, message)
		SELECT id, sequence + 1, 'running', ?, 1, 'f', '', NULL, 1, NULL, ? FROM conversations WHERE name = ?`, user, message, name)
	p.exec(`UPDATE conversations SET sequence = sequence + 1, running = sequence + 1, holder = 'old', lease_until = 9e18, attempt = 'old', updated_at = 1 WHERE name = ?`, name)
}

// commit ends the running turn of the conversation.
func (p schema2Plugin) commit(name, replies string) {
	p.t.Helper()
	p.exec(`UPDATE turns SET state = 'succeeded', number = (SELECT turns + 1 FROM conversations WHERE name = ?1), reason = '', ended_at = 2, record = NULL,
		replies = ?2, messages = messages + 1, input_tokens = 5, output_tokens = 6, cached_input_tokens = 0, reasoning_tokens = 0
		WHERE conversation = (SELECT id FROM conversations WHERE name = ?1) AND sequence = (SELECT running FROM conversations WHERE name = ?1)`, name, replies)
	p.exec(`UPDATE conversations SET turns = turns + 1, running = 0, holder = '', lease_until = 0, attempt = '', updated_at = 3 WHERE name = ?`, name)
}

// read returns the JSON of the message and the replies of a turn.
func (p schema2Plugin) read(name string, sequence int) (message, replies string) {
	p.t.Helper()
	_, err := p.w.get([]any{&message, &replies}, `SELECT coalesce(t.message, ''), coalesce(t.replies, '') FROM turns t JOIN conversations c ON c.id = t.conversation
		WHERE c.name = ? AND t.sequence = ?`, name, sequence)
	if err != nil {
		p.t.Fatal(err)
	}
	return message, replies
}

// empty empties the turns of a user, as the deletion of the user does.
func (p schema2Plugin) empty(name, user string) {
	p.t.Helper()
	p.exec(`UPDATE turns SET state = CASE state WHEN 'running' THEN 'interrupted' ELSE state END,
		ended_at = CASE state WHEN 'running' THEN ? ELSE ended_at END, reason = '', user = '', fence = NULL, key = '', digest = NULL,
		input_tokens = 0, output_tokens = 0, cached_input_tokens = 0, reasoning_tokens = 0,
		messages = 0, metadata = NULL, record = NULL, message = NULL, replies = NULL
		WHERE conversation = (SELECT id FROM conversations WHERE name = ?) AND user = ?`, 1, name, user)
}

// TestMigrate_besideSchema2 lets the plugin of schema version 2 and this plugin write the turns of one
// conversation, and halves of one turn each.
func TestMigrate_besideSchema2(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	end(t, s, begin(t, s)) // turn 1, of this plugin
	old := schema2Plugin{t, rawSession(t, s.path)}
	name := call.Conversation
	const message, replies = `{"role":"user","parts":[{"text":"old question"}]}`, `[{"role":"assistant","parts":[{"text":"old answer"}]}]`
	if m, r := old.read(name, 1); m != `{"role":"user","parts":[{"text":"hi"}]}` || r != `[{"role":"assistant","parts":[{"text":"hello"}]}]` {
		t.Errorf("the old plugin reads %s and %s", m, r)
	}
	old.begin(name, call.User, message) // turn 2, of the old plugin
	old.commit(name, replies)
	res := begin(t, s) // turn 3, begun by this plugin and ended by the old one
	old.commit(name, replies)
	if res.Started.Sequence != 3 {
		t.Errorf("after the turn of the old plugin comes %d", res.Started.Sequence)
	}
	turns := succeeded(t, s, call)
	want := []string{"hi", "hello", "old question", "old answer", "hi", "old answer"}
	var got []string
	for _, turn := range turns {
		for _, m := range turn.Messages {
			got = append(got, textOf(m))
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the log has %q; want %q", got, want)
	}
	if u, err := storage.DecodeUsage(turns[1].Usage); err != nil || u.OutputTokens != 6 {
		t.Errorf("the usage of the old plugin's turn is %s, %v", turns[1].Usage, err)
	}
	old.empty(name, call.User)
	for _, turn := range succeeded(t, s, call) {
		if len(turn.Messages) > 0 || len(turn.Usage) > 0 {
			t.Errorf("a turn that the old plugin emptied has %q and %s", turn.Messages, turn.Usage)
		}
	}
	var left int
	if _, err := old.w.get([]any{&left}, "SELECT count(*) FROM turns WHERE body IS NOT NULL OR reply_bodies IS NOT NULL OR usage IS NOT NULL"); err != nil || left > 0 {
		t.Errorf("%d emptied turns have contents, %v", left, err)
	}
}
