package archive

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestImport_conversationOfAnotherUser checks that an import does not add turns to a
// conversation of the same id that belongs to another user.
func TestImport_conversationOfAnotherUser(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	for _, id := range []string{"a", "b"} {
		s.register(id, "one", "")
	}
	s.say("one", "a", s.incarnation("a"), "c", "u", "first")
	s.say("one", "a", s.incarnation("a"), "c", "u", "secret")
	s.say("one", "b", s.incarnation("b"), "c", "v", "other")
	_, err := s.imports("b", s.export("a", ""))
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("%v", err)
	}
	if all := s.export("b", ""); strings.Contains(all, "secret") {
		t.Error(all)
	}
}

func TestImport_otherTurnsInPlace(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", "")
	s.register("b", "two", "")
	s.say("one", "a", s.incarnation("a"), "c", "u", "from a")
	call := sdk.Call{Tenant: "b", Incarnation: s.incarnation("b"), Conversation: "c"}
	begun, err := s.storages.get("two").Begin(t.Context(), &storage.BeginRequest{Call: call, Messages: storage.EncodeMessages(chat.Text(chat.User, "of b")), Holder: "h", Lease: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.imports("b", s.export("a", "")); !fault.Is(err, fault.Conflict) {
		t.Errorf("while a turn runs: %v", err)
	}
	if _, err := s.storages.get("two").Commit(t.Context(), &storage.CommitRequest{Call: call, Fence: begun.Started.Fence, State: storage.Failed, Reason: "internal: x"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.imports("b", s.export("a", "")); !fault.Is(err, fault.Conflict) {
		t.Errorf("in place of another: %v", err)
	}
}

func TestImport_runningTurns(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", "")
	s.register("b", "two", "")
	s.say("one", "a", s.incarnation("a"), "c", "u", "before")
	if _, err := s.storages.get("one").Begin(t.Context(), &storage.BeginRequest{
		Call: sdk.Call{Tenant: "a", Incarnation: s.incarnation("a"), Conversation: "c"}, Messages: storage.EncodeMessages(chat.Text(chat.User, "now")), Holder: "h", Lease: time.Minute,
	}); err != nil {
		t.Fatal(err)
	}
	export := s.export("a", "")
	for range 2 {
		if done, err := s.imports("b", export); err != nil || done.Interrupted != 1 {
			t.Errorf("%+v, %v", done, err)
		}
	}
	page, err := s.storages.get("two").Read(t.Context(), &storage.ReadRequest{
		Call: sdk.Call{Tenant: "b", Incarnation: s.incarnation("b"), Conversation: "c"}, Limit: 10, All: true,
	})
	if err != nil || len(page.Turns) != 2 {
		t.Fatal(page, err)
	}
	last := page.Turns[1]
	if last.State != storage.Interrupted || last.EndedAt.Before(last.StartedAt) || !strings.HasPrefix(last.Reason, "canceled: ") {
		t.Errorf("%+v", last)
	}
}

func TestImport_batches(t *testing.T) {
	on := newTestStorages()
	s := newTestHost(t, on, nil)
	s.register("b", "two", "")
	calls := 0
	on.get("two").Before = func(method string, _ sdk.Call) error {
		if method == "Import" {
			calls++
		}
		return nil
	}
	var in strings.Builder
	line := func(v any) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(b, '\n'))
	}
	line(exportLine{Type: TypeExport, Version: Version})
	line(conversationLine{Type: TypeConversation, ID: "c"})
	const n = 300
	for i := range int64(n) {
		line(newTurnLine(&storage.Turn{Sequence: i + 1, Number: i + 1, State: storage.Succeeded, StartedAt: time.Now(), EndedAt: time.Now(),
			Messages: storage.EncodeMessages(chat.Text(chat.User, strings.Repeat("x", 50_000)), chat.Text(chat.Assistant, "y"))}))
	}
	line(endLine{TypeEnd, 1, n})
	if done, err := s.imports("b", in.String()); err != nil || done.Turns != n {
		t.Fatal(done, err)
	}
	if least := n * 50_000 / maxBatchBytes; calls < least {
		t.Errorf("15 MB were given to the storage in %d calls; want %d at least", calls, least)
	}
}
