package e2e

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/botyard/botyard/pgtest"
	"github.com/botyard/botyard/sdk/chat"
)

// TestProviderStates checks that what providers want back goes through each storage, an export and an
// import into another storage unchanged: signed, redacted and encrypted reasoning, and a signature beside
// a text and beside a call of a tool. It checks that a model of another maker is shown none of it, and
// that nothing is lost by that.
func TestProviderStates(t *testing.T) {
	t.Parallel()
	const maker = "api.example.org, account 7, model é"
	state := func(maker, data string) *chat.ProviderState {
		return &chat.ProviderState{Maker: maker, Data: []byte(data)}
	}
	parts := []chat.Part{
		{Reasoning: &chat.Reasoning{Text: "Let me think.\n\n  It is \"é\"."}, State: state(maker, "signature \x00\xff\xfe")},
		{Reasoning: &chat.Reasoning{}, State: state(maker, strings.Repeat("redacted \x00", 1000))},
		{Reasoning: &chat.Reasoning{}, State: state("", `{"id": "rs_1",  "encrypted_content": "gAAA"}`)}, // the host fills in the maker
		{Text: "I look it up.", State: state(maker, "signature of a text")},
		{Other: &chat.Other{Type: "example.server_tool_use", Data: []byte("{ }\x00")}, State: state(maker, "s")},
		{ToolCall: &chat.ToolCall{ID: "call_1", Name: "look up", Arguments: `{ "what":"é",  "n":1.0e2 }`}, State: state(maker, "\xff signature of a call")},
	}
	reply, err := json.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	parts[2].State = state(maker, string(parts[2].State.Data))
	forOthers := []chat.Part{{Text: parts[3].Text}, {ToolCall: parts[5].ToolCall}}

	host := start(t, onSQLite, nil)
	database := pgtest.For(t, pgtest.Options{NoSync: true})
	storages := []map[string]any{
		{"backend": "memory"}, {"backend": "sqlite"}, {"backend": "postgres", "dsn": database.DSN(newDatabase(t, database))},
	}
	configure := func(tenant string, storage, llm map[string]any) {
		t.Helper()
		llm["provider"] = "echo"
		settings, err := json.Marshal(map[string]any{"conversation_storage": storage, "llm": llm})
		if err != nil {
			t.Fatal(err)
		}
		host.put(tenant, string(settings))
	}
	// shows checks the parts that a model of the maker is shown of the first reply.
	shows := func(tenant string, storage map[string]any, maker string, want []chat.Part) {
		t.Helper()
		configure(tenant, storage, map[string]any{"maker": maker, "show_request": true})
		var shown []chat.Message
		if err := json.Unmarshal([]byte(host.mustChat(tenant, "c", "go on").Reply), &shown); err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(shown, func(m chat.Message) bool { return m.Role == chat.Assistant })
		if at < 0 {
			t.Fatalf("%s: the maker %q is shown no reply: %+v", tenant, maker, shown)
		}
		if got := shown[at].Parts; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the maker %q is shown\n%s\nwant\n%s", tenant, maker, asJSON(got), asJSON(want))
		}
	}
	for i, storage := range storages {
		name := storage["backend"].(string)
		t.Run(name, func(t *testing.T) {
			other, next := "other-"+name, storages[(i+1)%len(storages)]
			configure(name, storage, map[string]any{"maker": maker, "reply_parts": string(reply)})
			host.mustChat(name, "c", "hello")
			configure(name, storage, map[string]any{"maker": maker})
			result := `{"conversation_id":"c","messages":[{"role":"tool","tool_call_id":"call_1","content":"found"}]}`
			if a := host.do("POST", "/api/v1/chat", result, "X-Tenant-ID: "+name); a.Status != 200 {
				t.Fatalf("the result of the call: %d %s", a.Status, a.Body)
			}
			shows(name, storage, maker, parts)
			shows(name, storage, "another maker", forOthers)
			shows(name, storage, "", forOthers)
			shows(name, storage, maker, parts)

			exported := host.export(name)
			configure(other, next, map[string]any{"maker": maker})
			if got := host.imports(other, exported); got.Turns != 6 {
				t.Fatalf("imported %+v", got)
			}
			shows(other, next, maker, parts)
			shows(other, next, "another maker", forOthers)
			if first, again := firstTurn(t, exported), firstTurn(t, host.export(other)); !bytes.Equal(first, again) {
				t.Errorf("the turn was exported as\n%s\nand after the import as\n%s", first, again)
			}
		})
	}
}

// firstTurn returns the messages of the first turn of an export, as they are there.
func firstTurn(t *testing.T, export string) json.RawMessage {
	t.Helper()
	for line := range strings.Lines(export) {
		var turn struct {
			Type     string
			Sequence int
			Messages json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &turn); err != nil {
			t.Fatal(err)
		}
		if turn.Type == "turn" && turn.Sequence == 1 {
			return turn.Messages
		}
	}
	t.Fatalf("no turn in %s", export)
	return nil
}

func asJSON(value any) string {
	out, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(out)
}
